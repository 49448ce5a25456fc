//! The bindings to Python: what `charm.py` calls.
//!
//! [`gather`] reads facts from `ops`, [`apply`] writes what differs from what is desired, [`workload`] is the container's
//! side of both. Nothing here decides. [`ops`] holds what there is to know about Python's objects.

mod actions;
mod apply;
mod gather;
mod ops;
mod rounds;
mod workload;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::core::config::Config;
use crate::core::management;
use crate::core::status::Level;
use ops::Charm;

/// What Python imports.
#[pymodule]
fn cluster_manager_charm(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(certificate_requests, module)?)?;
    module.add_function(wrap_pyfunction!(reconcile, module)?)?;
    module.add_function(wrap_pyfunction!(act, module)?)?;
    module.add_function(wrap_pyfunction!(collect_status, module)?)
}

/// The certificates to ask for, by what they are for, as arguments of the certificates' library. None: it is not the moment
/// to ask, as the options are not usable or this unit is being removed.
#[pyfunction]
fn certificate_requests<'py>(charm: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let charm = Charm::new(charm.clone());
    let requests = PyDict::new(charm.py());
    let Ok(facts) =
        gather::outline(&charm).inspect_err(|error| charm.log_error("reading the options", error))
    else {
        return Ok(requests);
    };
    let Ok(config) = Config::read(&facts) else { return Ok(requests) };
    if facts.leaving() {
        return Ok(requests);
    }
    for request in management::requests(&facts, &config) {
        let arguments = PyDict::new(charm.py());
        arguments.set_item("common_name", request.common_name)?;
        arguments.set_item("sans_dns", request.names)?;
        arguments.set_item("sans_ip", request.addresses)?;
        requests.set_item(request.purpose.as_str(), arguments)?;
    }
    Ok(requests)
}

/// Makes everything as it should be; whatever the event. Never fails: what goes wrong is logged and becomes the status.
#[pyfunction]
fn reconcile(charm: &Bound<'_, PyAny>) {
    let charm = Charm::new(charm.clone());
    if let Err(error) = rounds::run(&charm) {
        charm.log_error("reconciling", &error);
        charm.set_problem(&format!(
            "failed, and will try again: {}; see juju debug-log",
            first_line(&error, &charm)
        ));
    }
}

/// Runs an action. Never fails but in the action's own words.
#[pyfunction]
fn act(charm: &Bound<'_, PyAny>, event: &Bound<'_, PyAny>) -> PyResult<()> {
    let charm = Charm::new(charm.clone());
    match actions::run(&charm, event) {
        Ok(Ok(results)) => event.call_method1("set_results", (results,))?,
        Ok(Err(words)) => event.call_method1("fail", (words,))?,
        Err(error) => {
            charm.log_error("an action", &error);
            event.call_method1("fail", (first_line(&error, &charm),))?
        }
    };
    Ok(())
}

/// Says the status.
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
    let conditions = match rounds::look(&charm) {
        Ok((_, desired)) => desired.conditions,
        Err(error) => {
            charm.log_error("looking at the status", &error);
            let text =
                format!("failed, and will try again: {}; see juju debug-log", first_line(&error, &charm));
            return add("BlockedStatus", &text);
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
    // Juju shows the first of the worst, so that a note goes before this.
    add("ActiveStatus", "")
}

fn first_line(error: &PyErr, charm: &Charm<'_>) -> String {
    let text = error.value(charm.py()).to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
