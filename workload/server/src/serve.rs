//! `cluster-manager serve`, and a process that runs the one service in `SERVICE`.

use cli::Failure;
use cli::arguments::Serve;
use cli::runtime::{runtime, shutdown_on_signal};
use settings::{Source, table, typed};

use crate::unit::{self, Addresses};

/// Runs the services that the flags name, or the one in `SERVICE`.
pub(crate) fn run(source: &Source, arguments: &Serve) -> Result<(), Failure> {
    if arguments.connector_listen.is_none() && arguments.management_listen.is_none() {
        return match source.text(&table::SERVICE)? {
            Some(service) => run_one(source, &service),
            None => Err(Failure::Usage(
                "no service is selected: add --connector-listen ADDR or --management-listen ADDR, or set SERVICE"
                    .to_owned(),
            )),
        };
    }
    let status = typed::Listen::from(source)?.status;
    let Serve { connector_listen: connector, management_listen: management } = *arguments;
    run_until_signalled(source, Addresses { connector, management, status })
}

/// Runs one service on the address in `SERVER_HOST` and `SERVER_PORT`.
pub(crate) fn run_one(source: &Source, service: &str) -> Result<(), Failure> {
    let typed::Listen { address, status } = typed::Listen::from(source)?;
    let mut addresses = Addresses { status, ..Addresses::default() };
    match service {
        "cluster-connector" => addresses.connector = Some(address),
        "management-api" => addresses.management = Some(address),
        other => return Err(settings::source::invalid(&table::SERVICE, other).into()),
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
