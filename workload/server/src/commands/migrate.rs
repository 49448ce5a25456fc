//! `cluster-manager migrate`.

use settings::Source;
use store::takeover::TakenOver;

use crate::failure::Failure;
use crate::output::line;
use crate::setup;

/// Brings the database to this program's schema, and says what that took.
pub(super) async fn run(source: &Source) -> Result<(), Failure> {
    let migrated = setup::store(source)?.migrate().await?;
    if let Some(TakenOver { version, clusters, tokens }) = &migrated.taken_over {
        line(&format!(
            "took over a database of microcloud-cluster-manager at version {version}: {clusters} clusters and \
             {tokens} join tokens go on working"
        ))?;
    }
    match migrated.applied.as_slice() {
        [] if migrated.taken_over.is_none() => line("the database is up to date"),
        applied => applied.iter().try_for_each(|name| line(&format!("applied {name}"))),
    }
}
