//! What the command line needs from the program that contains the services.

use protocol::{Address, Fingerprint};
use settings::Source;

use crate::Failure;
use crate::arguments::{Explain, Format, Local, Serve};

/// The commands that need the services, and what a local backend needs to know about them.
pub trait Services: Sync {
    /// Runs the services that the arguments name, or the one in `SERVICE`, until a signal arrives.
    fn serve(&self, source: &Source, arguments: &Serve) -> Result<(), Failure>;

    /// Runs one service on the address in `SERVER_HOST` and `SERVER_PORT` until a signal arrives.
    fn serve_one(&self, source: &Source, service: &str) -> Result<(), Failure>;

    /// Runs everything on this machine until a signal arrives.
    fn local(&self, arguments: &Local) -> Result<(), Failure>;

    /// Prints what the relay would do with a file of metrics.
    fn explain_relay(&self, source: &Source, format: Format, arguments: &Explain) -> Result<(), Failure>;

    /// The connector as the settings have it.
    fn connector(&self, source: &Source) -> Result<ConnectorEndpoint, Failure>;
}

/// What a join token says about the connector.
#[derive(Debug, Clone)]
pub struct ConnectorEndpoint {
    /// The address that clusters call.
    pub address: Address,
    /// The fingerprint of the connector's certificate, which clusters pin.
    pub leaf: Fingerprint,
    /// Why a cluster could not join with this address and certificate, if so.
    pub problem: Option<String>,
}
