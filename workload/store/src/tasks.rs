//! Background tasks that one unit runs at a time: units claim rounds, and record their outcomes.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Store, StoreError};

/// A claim to run one round of a task.
#[derive(Debug, Clone)]
pub struct TaskClaim {
    /// The task's name.
    pub task: &'static str,
    /// The unit that claims it.
    pub unit: Uuid,
    /// How long no other unit can claim the task if this unit never finishes its round.
    pub lease: Duration,
    /// The shortest time between the starts of two rounds.
    pub min_age: Duration,
}

/// The state of a task, in the whole hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskStatus {
    /// The task's name.
    pub name: String,
    /// The unit that claimed the last round.
    pub unit: Uuid,
    /// When the last round started.
    pub started_at: OffsetDateTime,
    /// When a round last ended, with any outcome.
    pub finished_at: Option<OffsetDateTime>,
    /// When a round last succeeded.
    pub succeeded_at: Option<OffsetDateTime>,
    /// The number of failed rounds since the last success.
    pub failures: i32,
    /// Why the last round failed, or `None` if it succeeded.
    pub error: Option<String>,
}

impl Store {
    /// Claims a round of a task. Returns false if another unit is running one, or one started less than `min_age` ago by
    /// the database's clock.
    pub async fn claim_task(&self, claim: &TaskClaim) -> Result<bool, StoreError> {
        let sql = "-- claim_task()
            INSERT INTO background_tasks AS t (name, unit, leased_until, started_at)
            VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3), clock_timestamp())
            ON CONFLICT (name) DO UPDATE SET
                unit = EXCLUDED.unit, leased_until = EXCLUDED.leased_until, started_at = EXCLUDED.started_at
            WHERE (t.leased_until IS NULL OR t.leased_until < clock_timestamp())
                AND (t.started_at <= clock_timestamp() - make_interval(secs => $4)
                    -- A clock that jumped back must not stop the task.
                    OR t.started_at > clock_timestamp())";
        let client = self.client().await?;
        let statement = client.prepare_cached(sql).await?;
        let (lease, min_age) = (claim.lease.as_secs_f64(), claim.min_age.as_secs_f64());
        let claimed = client.execute(&statement, &[&claim.task, &claim.unit, &lease, &min_age]).await?;
        Ok(claimed == 1)
    }

    /// Records the end of a round that this unit claimed, and its error if it failed. Does nothing if another unit has
    /// claimed the task in the meantime.
    pub async fn finish_task(&self, task: &str, unit: Uuid, error: Option<&str>) -> Result<(), StoreError> {
        let sql = "-- finish_task()
            UPDATE background_tasks SET
                leased_until = NULL, finished_at = clock_timestamp(), error = $3,
                succeeded_at = CASE WHEN $3::text IS NULL THEN clock_timestamp() ELSE succeeded_at END,
                failures = CASE WHEN $3::text IS NULL THEN 0 ELSE failures + 1 END
            WHERE name = $1 AND unit = $2";
        let client = self.client().await?;
        client.execute(&client.prepare_cached(sql).await?, &[&task, &unit, &error]).await?;
        Ok(())
    }

    /// The state of every task, by name.
    pub async fn task_statuses(&self) -> Result<Vec<TaskStatus>, StoreError> {
        let sql = "-- task_statuses()
            SELECT name, unit, started_at, finished_at, succeeded_at, failures, error
            FROM background_tasks ORDER BY name";
        let rows = self.client().await?.query(sql, &[]).await?;
        rows.iter().map(task_status).collect()
    }
}

fn task_status(row: &Row) -> Result<TaskStatus, StoreError> {
    Ok(TaskStatus {
        name: row.try_get("name")?,
        unit: row.try_get("unit")?,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        succeeded_at: row.try_get("succeeded_at")?,
        failures: row.try_get("failures")?,
        error: row.try_get("error")?,
    })
}
