//! Runs the actions.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::ops::{self, Charm};
use super::{apply, reconciler, workload};
use crate::core::action::{Action, Results};
use crate::core::app_secrets::SecretLabel;
use crate::core::facts::Facts;
use crate::core::rotation::{self, Step};
use crate::core::status::worst;

/// Runs an action: its results, or the message for its failure.
pub(super) fn run(
    charm: &Charm<'_>,
    event: &Bound<'_, PyAny>,
) -> PyResult<Result<BTreeMap<&'static str, String>, String>> {
    // `ops` names events with underscores, Juju names actions with hyphens.
    let handle: String = event.getattr("handle")?.getattr("kind")?.extract()?;
    let name = handle.trim_end_matches("_action").replace('_', "-");
    let parameters = PyDict::new(charm.py());
    parameters.call_method1("update", (event.getattr("params")?,))?;
    match Action::read(&name, &ops::values(&parameters)?) {
        Err(message) => Ok(Err(message)),
        Ok(Action::Rotate { dry_run }) => rotate(charm, dry_run),
        Ok(action) => command(charm, &action),
    }
}

fn command(charm: &Charm<'_>, action: &Action) -> PyResult<Result<Results, String>> {
    let (facts, desired) = reconciler::evaluate(charm)?;
    let Some(environment) = reconciler::environment(&facts, &desired) else {
        let reason = worst(&desired.conditions).map_or("", |condition| condition.text.as_str());
        return Ok(Err(format!("the workload is not running on this unit: {reason}")));
    };
    let output = workload::run_command(charm, &action.arguments(), environment)?;
    Ok(output.and_then(|output| action.results(&output)))
}

fn rotate(charm: &Charm<'_>, dry_run: bool) -> PyResult<Result<Results, String>> {
    // The first iteration may prepare a leaf, which the second one uses.
    for _ in 0..2 {
        let (facts, desired) = reconciler::evaluate(charm)?;
        let cluster_count = reconciler::count_enrolled(charm, &facts, &desired)?;
        let facts = Facts { cluster_count, ..facts };
        match rotation::decide(&facts, dry_run) {
            Step::Fail(message) => return Ok(Err(message)),
            Step::Report(results) => return Ok(Ok(results)),
            Step::Prepare(host) => {
                let content = apply::generate_leaf(&facts, &host)?;
                apply::store_secret(charm, &facts, SecretLabel::ConnectorNext, &content)?;
            }
            Step::Activate(content, results) => {
                apply::store_secret(charm, &facts, SecretLabel::Connector, &content)?;
                // The leaf is active, so its results must be reported. Serving it is retried on the next event.
                if let Err(error) = reconciler::run(charm) {
                    charm.log_error("cannot serve the new connector certificate", &error);
                    charm.set_problem(
                        "cannot serve the new connector certificate yet, retrying on the next event; see juju debug-log",
                    );
                }
                return Ok(Ok(results));
            }
        }
    }
    Ok(Err("cannot prepare a new certificate".to_owned()))
}
