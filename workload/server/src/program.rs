//! What the command line gets from the services.

use cli::arguments::{Explain, Format, Local, Serve};
use cli::{ConnectorEndpoint, Failure, Services};
use settings::Source;

use crate::{local, relay_explain, serve, setup};

/// The program: the command line together with the services.
#[derive(Debug, Clone, Copy)]
pub struct Program;

impl Services for Program {
    fn serve(&self, source: &Source, arguments: &Serve) -> Result<(), Failure> {
        serve::run(source, arguments)
    }

    fn serve_one(&self, source: &Source, service: &str) -> Result<(), Failure> {
        serve::run_one(source, service)
    }

    fn local(&self, arguments: &Local) -> Result<(), Failure> {
        local::run(arguments)
    }

    fn explain_relay(&self, source: &Source, format: Format, arguments: &Explain) -> Result<(), Failure> {
        relay_explain::run(source, format, arguments)
    }

    fn connector(&self, source: &Source) -> Result<ConnectorEndpoint, Failure> {
        setup::connector_endpoint(source)
    }
}
