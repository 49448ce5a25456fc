//! `cluster-manager migrate`.

use settings::Source;
use store::database::TakenOver;

use crate::Failure;
use crate::output::{count, line};
use crate::setup;

/// Migrates the database to this program's schema and prints what was done.
pub(super) async fn run(source: &Source) -> Result<(), Failure> {
    let migrated = setup::store(source)?.migrate().await?;
    if let Some(TakenOver { version, clusters, tokens }) = &migrated.taken_over {
        line(&format!(
            "took over a database of microcloud-cluster-manager at version {version} with {} and {}",
            count(*clusters as u64, "cluster"),
            count(*tokens as u64, "join token"),
        ))?;
    }
    match migrated.applied.as_slice() {
        [] if migrated.taken_over.is_none() => line("the database is up to date"),
        applied => applied.iter().try_for_each(|name| line(&format!("applied {name}"))),
    }
}
