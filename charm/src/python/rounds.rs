//! Facts, decision, deeds; anew for as long as the deeds change the facts.

use pyo3::prelude::*;

use super::ops::Charm;
use super::{apply, gather, workload};
use crate::core::action::{Action, count};
use crate::core::decide::{Desired, Run, decide};
use crate::core::environment::Variables;
use crate::core::facts::Facts;

/// Each round makes something that the next one needs: keys, then the leaf, then its being shown. More there is not.
const ROUNDS: usize = 5;

/// Makes everything as it should be.
pub(super) fn run(charm: &Charm<'_>) -> PyResult<()> {
    let mut round = 0;
    let (facts, desired) = loop {
        round += 1;
        let (facts, desired) = look(charm)?;
        if round == ROUNDS || !apply::shared(charm, &facts, &desired)? {
            break (facts, desired);
        }
    };
    apply::relations(charm, &desired)?;
    apply::ports(charm, &desired)?;
    if facts.container.connected { workload::apply(charm, &desired.run) } else { Ok(()) }
}

/// The facts, and what should be.
pub(super) fn look(charm: &Charm<'_>) -> PyResult<(Facts, Desired)> {
    let facts = gather::facts(charm)?;
    let desired = decide(&facts);
    if !desired.asks_for_sites {
        return Ok((facts, desired));
    }
    let facts = Facts { sites: sites(charm, &facts, &desired)?, ..facts };
    let desired = decide(&facts);
    Ok((facts, desired))
}

/// How many clusters are enrolled; none if the workload cannot say.
pub(super) fn sites(charm: &Charm<'_>, facts: &Facts, desired: &Desired) -> PyResult<Option<u64>> {
    let Some(environment) = environment(facts, desired) else { return Ok(None) };
    let arguments = Action::Rotate { trial: true }.arguments();
    Ok(workload::command(charm, &arguments, environment)?.ok().and_then(|output| count(&output)))
}

/// What a command is told, if the workload is there to run one.
pub(super) fn environment<'a>(facts: &Facts, desired: &'a Desired) -> Option<&'a Variables> {
    match &desired.run {
        Run::So(workload) if facts.container.connected => Some(&workload.environment),
        _ => None,
    }
}
