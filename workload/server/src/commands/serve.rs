//! `cluster-manager serve`, and a process that `SERVICE` says to be one service.

use settings::{Source, typed};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::runtime;
use crate::cli::Serve;
use crate::failure::Failure;
use crate::unit::{self, Addresses};

/// Runs the services that the flags name, or the one that `SERVICE` names.
pub(super) fn run(source: &Source, arguments: &Serve) -> Result<(), Failure> {
    if arguments.connector_listen.is_none() && arguments.management_listen.is_none() {
        return match source.text(&settings::table::SERVICE)? {
            Some(service) => run_service(source, &service),
            None => Err(Failure::Usage(
                "say what to serve: --connector-listen ADDR, --management-listen ADDR, or SERVICE".to_owned(),
            )),
        };
    }
    let status = typed::Listen::from(source)?.status;
    let Serve { connector_listen: connector, management_listen: management } = *arguments;
    run_until_signalled(source, Addresses { connector, management, status })
}

/// Runs one service where `SERVER_HOST` and `SERVER_PORT` say.
pub(super) fn run_service(source: &Source, service: &str) -> Result<(), Failure> {
    let typed::Listen { address, status } = typed::Listen::from(source)?;
    let mut addresses = Addresses { status, ..Addresses::default() };
    match service {
        "cluster-connector" => addresses.connector = Some(address),
        "management-api" => addresses.management = Some(address),
        other => return Err(settings::source::invalid(&settings::table::SERVICE, other).into()),
    }
    run_until_signalled(source, addresses)
}

fn run_until_signalled(source: &Source, addresses: Addresses) -> Result<(), Failure> {
    crate::log::start(&typed::Log::from(source)?)?;
    runtime()?.block_on(async {
        let shutdown = shutdown_on_signal()?;
        unit::run(source, addresses, shutdown, |_| {}).await
    })
}

/// A token that SIGTERM and SIGINT cancel.
pub(super) fn shutdown_on_signal() -> Result<CancellationToken, Failure> {
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::other)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::other)?;
    let told = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    Ok(shutdown)
}
