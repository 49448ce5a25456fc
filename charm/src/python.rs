//! The Python bindings that `charm.py` calls.
//!
//! [`gather`] reads the facts with `ops`, [`apply`] applies the differences to the desired state, [`workload`] does both
//! for the container, and [`reconciler`] runs them in turn. Decisions are made in `core`. [`ops`] wraps Python's objects.

mod actions;
mod apply;
mod gather;
mod ops;
mod reconciler;
mod workload;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::core::config::Config;
use crate::core::management_certificate;
use crate::core::status::Level;
use ops::Charm;

/// The Python module.
#[pymodule]
fn cluster_manager_charm(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(certificate_requests, module)?)?;
    module.add_function(wrap_pyfunction!(reconcile, module)?)?;
    module.add_function(wrap_pyfunction!(act, module)?)?;
    module.add_function(wrap_pyfunction!(collect_status, module)?)
}

/// The certificates to request, by purpose, as arguments for the TLS certificates library. Empty if the options are invalid
/// or this unit is being removed.
#[pyfunction]
fn certificate_requests<'py>(charm: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let charm = Charm::new(charm.clone());
    let requests = PyDict::new(charm.py());
    let Ok(facts) =
        gather::outline(&charm).inspect_err(|error| charm.log_error("cannot read the options", error))
    else {
        return Ok(requests);
    };
    let Ok(config) = Config::read(&facts) else { return Ok(requests) };
    if facts.leaving() {
        return Ok(requests);
    }
    for request in management_certificate::requests(&facts, &config) {
        let arguments = PyDict::new(charm.py());
        arguments.set_item("common_name", request.common_name)?;
        arguments.set_item("sans_dns", request.names)?;
        arguments.set_item("sans_ip", request.addresses)?;
        requests.set_item(request.purpose.as_str(), arguments)?;
    }
    Ok(requests)
}

/// Reconciles the model with the desired state on any event. Never raises: errors are logged and shown in the status.
#[pyfunction]
fn reconcile(charm: &Bound<'_, PyAny>) {
    let charm = Charm::new(charm.clone());
    if let Err(error) = reconciler::run(&charm) {
        charm.log_error("cannot reconcile", &error);
        charm.set_problem(&failure(&error, &charm));
    }
}

/// Runs an action. Errors become the failure message of the action.
#[pyfunction]
fn act(charm: &Bound<'_, PyAny>, event: &Bound<'_, PyAny>) -> PyResult<()> {
    let charm = Charm::new(charm.clone());
    match actions::run(&charm, event) {
        Ok(Ok(results)) => event.call_method1("set_results", (results,))?,
        Ok(Err(message)) => event.call_method1("fail", (message,))?,
        Err(error) => {
            charm.log_error("cannot run the action", &error);
            event.call_method1("fail", (first_line(&error, &charm),))?
        }
    };
    Ok(())
}

/// Adds the conditions to the status.
#[pyfunction]
fn collect_status(charm: &Bound<'_, PyAny>, event: &Bound<'_, PyAny>) -> PyResult<()> {
    let charm = Charm::new(charm.clone());
    let add = |class: &str, text: &str| {
        let status = charm.py().import("ops")?.getattr(class)?.call1((text,))?;
        event.call_method1("add_status", (status,)).map(|_| ())
    };
    if let Some(problem) = charm.problem() {
        add("BlockedStatus", &problem)?;
    }
    let conditions = match reconciler::evaluate(&charm) {
        Ok((_, desired)) => desired.conditions,
        Err(error) => {
            charm.log_error("cannot evaluate the status", &error);
            return add("BlockedStatus", &failure(&error, &charm));
        }
    };
    for condition in &conditions {
        let class = match condition.level {
            Level::Blocked => "BlockedStatus",
            Level::Waiting => "WaitingStatus",
            Level::Note => "ActiveStatus",
        };
        add(class, &condition.text)?;
    }
    // Juju shows the first of the worst, so a hint takes precedence over this.
    add("ActiveStatus", "")
}

/// The status text for an unexpected error.
fn failure(error: &PyErr, charm: &Charm<'_>) -> String {
    format!("failed, retrying on the next event: {}; see juju debug-log", first_line(error, charm))
}

fn first_line(error: &PyErr, charm: &Charm<'_>) -> String {
    let text = error.value(charm.py()).to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
