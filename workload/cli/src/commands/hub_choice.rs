//! The hub that a command uses, and how it is trusted: flags first, then the environment, then the last sign-in.

use std::path::PathBuf;

use crate::Failure;
use crate::arguments::Remote;
use crate::remote::{Client, Credentials, HubAddress, Session, Trust};

/// The hub for commands without `--remote`.
const REMOTE_VARIABLE: &str = "CLUSTER_MANAGER_REMOTE";
/// The trusted CA certificates for commands without `--ca-file`.
const CA_VARIABLE: &str = "CLUSTER_MANAGER_CA_FILE";

/// Whether this command names a hub.
pub(super) fn is_named(remote: &Remote) -> bool {
    remote.remote.is_some() || variable(REMOTE_VARIABLE).is_some()
}

/// Whether commands on this machine use a hub over the API: one that is named, or that of the last sign-in.
pub(super) fn is_remote_in_use(remote: &Remote) -> Result<bool, Failure> {
    Ok(is_named(remote) || current(&Credentials::load()?).is_some())
}

/// Returns a client for commands that work over the API only.
pub(super) fn hub(remote: Remote) -> Result<Client, Failure> {
    let address = address(&remote)?;
    client(address, &remote, &Credentials::load()?)
}

/// Returns a client for the hub of the last sign-in.
pub(super) fn last_signed_in(remote: &Remote) -> Result<Option<Client>, Failure> {
    let credentials = Credentials::load()?;
    current(&credentials).map(|address| client(address, remote, &credentials)).transpose()
}

/// Returns the address of the named hub, else of the last sign-in.
pub(super) fn address(remote: &Remote) -> Result<HubAddress, Failure> {
    if let Some(address) = &remote.remote {
        return Ok(address.clone());
    }
    if let Some(text) = variable(REMOTE_VARIABLE) {
        let text = text.to_string_lossy();
        return text.parse().map_err(|error| Failure::Usage(format!("{REMOTE_VARIABLE}: {error}")));
    }
    current(&Credentials::load()?)
        .ok_or_else(|| Failure::Usage("no hub is selected: add --remote https://HOST".to_owned()))
}

fn current(credentials: &Credentials) -> Option<HubAddress> {
    credentials.current.as_ref()?.parse().ok()
}

fn client(address: HubAddress, remote: &Remote, credentials: &Credentials) -> Result<Client, Failure> {
    let trust = if let Some(fingerprint) = remote.fingerprint {
        Trust::Fingerprint(fingerprint)
    } else if let Some(path) = remote.ca_file.clone().or_else(|| variable(CA_VARIABLE).map(PathBuf::from)) {
        Trust::File(path)
    } else {
        credentials.entry(&address).map_or(Trust::System, crate::remote::Entry::trust)
    };
    let session = Session::at(&address, credentials)?;
    Client::new(address, trust, session)
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
