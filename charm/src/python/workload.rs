//! The workload's container: reads its state, applies the desired one, and runs commands.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::ops::Charm;
use super::ops::exceptions::{ChangeError, ExecError, PathError};
use crate::core::decide::{Workload, WorkloadTarget};
use crate::core::environment::Variables;
use crate::core::facts::{Container, Secret};
use crate::core::names::{CONNECTOR_SERVICE, MANAGEMENT_SERVICE, PROGRAM};
use crate::core::{action, layer};

/// The timeout of a command, in seconds.
const COMMAND_TIMEOUT_SECONDS: f64 = 60.0;
/// A file that exists from before a layer is added until the services run with it.
const REPLAN_MARKER: &str = "/var/lib/cluster-manager/replanning";
/// The services of the workload.
const SERVICES: [&str; 2] = [MANAGEMENT_SERVICE, CONNECTOR_SERVICE];

/// Reads the state of the container.
pub(super) fn read(charm: &Charm<'_>) -> PyResult<Container> {
    let container = charm.container()?;
    if !container.call_method0("can_connect")?.is_truthy()? {
        return Ok(Container::default());
    }
    let (mut services, mut checks, mut log_targets) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (name, service) in items(&container.call_method0("get_services")?)? {
        if SERVICES.contains(&name.as_str()) {
            services.insert(name, service.call_method0("is_running")?.is_truthy()?);
        }
    }
    for (name, check) in items(&container.call_method0("get_checks")?)? {
        let status: String = check.getattr("status")?.getattr("value")?.extract()?;
        checks.insert(name, status == "up");
    }
    for (name, target) in items(&container.call_method0("get_plan")?.getattr("log_targets")?)? {
        log_targets.insert(name, target.getattr("location")?.extract()?);
    }
    Ok(Container { connected: true, services, checks, log_targets })
}

/// Applies the desired state of the workload.
pub(super) fn apply(charm: &Charm<'_>, target: &WorkloadTarget) -> PyResult<()> {
    let container = charm.container()?;
    match target {
        WorkloadTarget::Unchanged => Ok(()),
        WorkloadTarget::Stopped => {
            let running = read(charm)?.services.into_iter().filter(|(_, running)| *running);
            for (service, _) in running {
                charm.log_info(&format!("stopping {service}: there is no database"));
                container.call_method1("stop", (service,))?;
            }
            Ok(())
        }
        WorkloadTarget::Running(workload) => run(charm, &container, workload),
    }
}

fn run(charm: &Charm<'_>, container: &Bound<'_, PyAny>, workload: &Workload) -> PyResult<()> {
    for (path, content) in &workload.files {
        write_file(container, path, content.as_ref())?;
    }
    let added = add_layer(charm, container, &workload.layer)?;
    let running = read(charm)?.services;
    let all_run = SERVICES.iter().all(|service| running.get(*service) == Some(&true));
    if !added && all_run && !container.call_method1("exists", (REPLAN_MARKER,))?.is_truthy()? {
        return Ok(());
    }
    match container.call_method0("replan") {
        Ok(_) => container.call_method1("remove_path", (REPLAN_MARKER,)).map(|_| ()).or_else(|error| {
            if error.is_instance_of::<PathError>(charm.py()) { Ok(()) } else { Err(error) }
        })?,
        Err(error) if error.is_instance_of::<ChangeError>(charm.py()) => {
            charm.log_error("cannot start the services", &error);
            charm.set_problem(&start_failure(charm, &error));
        }
        Err(error) => return Err(error),
    }
    set_version(charm)
}

/// Adds the layer unless Pebble's plan already contains it. Returns whether it was added.
fn add_layer(charm: &Charm<'_>, container: &Bound<'_, PyAny>, layer: &layer::Layer) -> PyResult<bool> {
    let text = serde_json::to_string(layer)
        .map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
    // JSON is YAML.
    let wanted = charm.py().import("ops.pebble")?.getattr("Layer")?.call1((text.as_str(),))?;
    let plan = container.call_method0("get_plan")?;
    let mut same = true;
    for section in ["services", "checks", "log_targets"] {
        let present_entries = plan.getattr(section)?;
        for (name, entry) in items(&wanted.getattr(section)?)? {
            let present = present_entries.call_method1("get", (name,))?;
            same &= !present.is_none() && contains(&present, &entry)?;
        }
    }
    if !same {
        // This process may end before it replans, which the plan alone would not show afterwards.
        let arguments = PyDict::new(charm.py());
        arguments.set_item("make_dirs", true)?;
        container.call_method("push", (REPLAN_MARKER, ""), Some(&arguments))?;
        arguments.clear();
        arguments.set_item("combine", true)?;
        container.call_method("add_layer", (layer::LABEL, wanted), Some(&arguments))?;
    }
    Ok(!same)
}

/// Whether an entry of the plan contains all wanted values. Pebble may add defaults.
fn contains(present: &Bound<'_, PyAny>, wanted: &Bound<'_, PyAny>) -> PyResult<bool> {
    let present = present.call_method0("to_dict")?;
    for (key, value) in items(&wanted.call_method0("to_dict")?)? {
        if key != "override" && !present.call_method1("get", (key,))?.eq(value)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes a file if its content differs, or removes it.
fn write_file(container: &Bound<'_, PyAny>, path: &str, content: Option<&Secret>) -> PyResult<()> {
    let py = container.py();
    let present = match container.call_method1("pull", (path,)) {
        Ok(file) => {
            let text = file.call_method0("read")?.extract::<String>()?;
            file.call_method0("close")?;
            Some(Secret::new(text))
        }
        Err(error) if error.is_instance_of::<PathError>(py) => None,
        Err(error) => return Err(error),
    };
    match content {
        None if present.is_some() => container.call_method1("remove_path", (path,)).map(|_| ()),
        Some(content) if present.as_ref() != Some(content) => {
            let arguments = PyDict::new(py);
            arguments.set_item("make_dirs", true)?;
            arguments.set_item("permissions", 0o600)?;
            container.call_method("push", (path, content.expose()), Some(&arguments)).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Runs a command of the workload: its standard output, or why it failed.
pub(super) fn run_command(
    charm: &Charm<'_>,
    arguments: &[String],
    environment: &Variables,
) -> PyResult<Result<String, String>> {
    let container = charm.container()?;
    let command: Vec<&str> = std::iter::once(PROGRAM).chain(arguments.iter().map(String::as_str)).collect();
    let options = PyDict::new(charm.py());
    options.set_item("environment", environment)?;
    options.set_item("timeout", COMMAND_TIMEOUT_SECONDS)?;
    let output = container
        .call_method("exec", (command,), Some(&options))
        .and_then(|process| process.call_method0("wait_output"));
    match output {
        Ok(output) => Ok(Ok(output.get_item(0)?.extract()?)),
        Err(error) if error.is_instance_of::<ExecError>(charm.py()) => {
            let value = error.value(charm.py());
            let errors: Option<String> = value.getattr("stderr")?.extract()?;
            let code: i64 = value.getattr("exit_code")?.extract()?;
            Ok(Err(action::failure_message(code, &errors.unwrap_or_default())))
        }
        Err(error) => Ok(Err(error.value(charm.py()).to_string())),
    }
}

fn set_version(charm: &Charm<'_>) -> PyResult<()> {
    if let Ok(output) = run_command(charm, &["--version".to_owned()], &Variables::new())?
        && let Some(version) = output.split_whitespace().last()
    {
        charm.unit()?.call_method1("set_workload_version", (version,))?;
    }
    Ok(())
}

/// The status text for services that do not start: the last line that Pebble or the service logged.
fn start_failure(charm: &Charm<'_>, error: &PyErr) -> String {
    let lines = || {
        let change = error.value(charm.py()).getattr("change")?;
        let mut lines = Vec::new();
        for task in change.getattr("tasks")?.try_iter()? {
            for log in task?.getattr("log")?.try_iter()? {
                lines.extend(log?.extract::<String>()?.lines().map(|line| line.trim().to_owned()));
            }
        }
        Ok::<_, PyErr>(lines)
    };
    let lines = lines().unwrap_or_default();
    let last = lines.iter().rfind(|line| !line.is_empty() && !line.ends_with("exited quickly with code 0"));
    let last = last.cloned().unwrap_or_else(|| error.value(charm.py()).to_string());
    format!("cannot start the workload: {}", last.lines().next().unwrap_or_default())
}

fn items<'py>(of: &Bound<'py, PyAny>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    of.call_method0("items")?.try_iter()?.map(|item| item?.extract()).collect()
}
