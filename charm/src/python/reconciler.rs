//! Reads the facts, decides and applies, and repeats this while applying changes the facts.

use pyo3::prelude::*;

use super::ops::Charm;
use super::{apply, gather, workload};
use crate::core::action::{Action, count_clusters};
use crate::core::decide::{Desired, WorkloadTarget, decide};
use crate::core::environment::Variables;
use crate::core::facts::Facts;

/// The maximum number of rounds. Each one may store a secret that the next one needs: the keys, the leaf, the served leaf.
const MAX_ROUNDS: usize = 5;

/// Reconciles the model with the desired state.
pub(super) fn run(charm: &Charm<'_>) -> PyResult<()> {
    let mut round = 0;
    let (facts, desired) = loop {
        round += 1;
        let (facts, desired) = evaluate(charm)?;
        if round == MAX_ROUNDS || !apply::secrets(charm, &facts, &desired)? {
            break (facts, desired);
        }
    };
    apply::relations(charm, &desired)?;
    apply::ports(charm, &desired)?;
    if facts.container.connected { workload::apply(charm, &desired.workload) } else { Ok(()) }
}

/// Reads the facts and derives the desired state.
pub(super) fn evaluate(charm: &Charm<'_>) -> PyResult<(Facts, Desired)> {
    let facts = gather::facts(charm)?;
    let desired = decide(&facts);
    if !desired.needs_cluster_count {
        return Ok((facts, desired));
    }
    let cluster_count = count_enrolled(charm, &facts, &desired)?;
    let facts = Facts { cluster_count, ..facts };
    let desired = decide(&facts);
    Ok((facts, desired))
}

/// Counts the enrolled clusters. `None` if the workload cannot.
pub(super) fn count_enrolled(charm: &Charm<'_>, facts: &Facts, desired: &Desired) -> PyResult<Option<u64>> {
    let Some(environment) = environment(facts, desired) else { return Ok(None) };
    let arguments = Action::Rotate { dry_run: true }.arguments();
    let output = workload::run_command(charm, &arguments, environment)?;
    Ok(output.ok().and_then(|output| count_clusters(&output)))
}

/// The environment for commands, if the workload can run them.
pub(super) fn environment<'a>(facts: &Facts, desired: &'a Desired) -> Option<&'a Variables> {
    match &desired.workload {
        WorkloadTarget::Running(workload) if facts.container.connected => Some(&workload.environment),
        _ => None,
    }
}
