//! Runs the actions.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::ops::{self, Charm};
use super::{apply, rounds, workload};
use crate::core::action::{Action, Results};
use crate::core::facts::Facts;
use crate::core::kept::Label;
use crate::core::rotation::{self, Step};
use crate::core::status::worst;

/// What a person is told, or why it failed.
pub(super) fn run(
    charm: &Charm<'_>,
    event: &Bound<'_, PyAny>,
) -> PyResult<Result<BTreeMap<&'static str, String>, String>> {
    // `ops` names events with underscores, people name actions with dashes.
    let handle: String = event.getattr("handle")?.getattr("kind")?.extract()?;
    let name = handle.trim_end_matches("_action").replace('_', "-");
    let parameters = PyDict::new(charm.py());
    parameters.call_method1("update", (event.getattr("params")?,))?;
    match Action::read(&name, &ops::values(&parameters)?) {
        Err(words) => Ok(Err(words)),
        Ok(Action::Rotate { trial }) => rotate(charm, trial),
        Ok(action) => command(charm, &action),
    }
}

fn command(charm: &Charm<'_>, action: &Action) -> PyResult<Result<Results, String>> {
    let (facts, desired) = rounds::look(charm)?;
    let Some(environment) = rounds::environment(&facts, &desired) else {
        let why = worst(&desired.conditions).map_or("", |condition| condition.text.as_str());
        return Ok(Err(format!("the workload does not run here: {why}")));
    };
    let output = workload::command(charm, &action.arguments(), environment)?;
    Ok(output.and_then(|output| action.results(&output)))
}

fn rotate(charm: &Charm<'_>, trial: bool) -> PyResult<Result<Results, String>> {
    // Once to prepare a leaf, and once to tell of it.
    for _ in 0..2 {
        let (facts, desired) = rounds::look(charm)?;
        let sites = rounds::sites(charm, &facts, &desired)?;
        let facts = Facts { sites, ..facts };
        match rotation::decide(&facts, trial) {
            Step::Fail(words) => return Ok(Err(words)),
            Step::Tell(results) => return Ok(Ok(results)),
            Step::Prepare(host) => {
                let content = apply::leaf(&facts, &host)?;
                apply::keep(charm, &facts, Label::ConnectorNext, &content)?;
            }
            Step::PutInForce(content, results) => {
                apply::keep(charm, &facts, Label::Connector, &content)?;
                // It is in force, and must be told of, whatever comes of showing it: that is tried again.
                if let Err(error) = rounds::run(charm) {
                    charm.log_error("showing the new certificate", &error);
                    charm.set_problem(
                        "the new connector certificate could not be shown yet; see juju debug-log",
                    );
                }
                return Ok(Ok(results));
            }
        }
    }
    Ok(Err("a new certificate could not be prepared".to_owned()))
}
