//! The container: what runs there, and how it is made to run as it should.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::ops::Charm;
use super::ops::exceptions::{ChangeError, ExecError, PathError};
use crate::core::decide::{Run, Workload};
use crate::core::environment::Variables;
use crate::core::facts::{Container, Secret};
use crate::core::paths::{CONNECTOR_SERVICE, MANAGEMENT_SERVICE, PROGRAM};
use crate::core::{action, layer};

/// How long a command of the workload's may take, in seconds.
const PATIENCE: f64 = 60.0;
/// There from before a layer is added until the services run by it.
const REPLANNING: &str = "/var/lib/cluster-manager/replanning";
/// All that we run.
const SERVICES: [&str; 2] = [MANAGEMENT_SERVICE, CONNECTOR_SERVICE];

/// What is there.
pub(super) fn look(charm: &Charm<'_>) -> PyResult<Container> {
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

/// Makes the container as it should be.
pub(super) fn apply(charm: &Charm<'_>, run: &Run) -> PyResult<()> {
    let container = charm.container()?;
    match run {
        Run::Leave => Ok(()),
        Run::Stop => {
            let running = look(charm)?.services.into_iter().filter(|(_, running)| *running);
            for (service, _) in running {
                charm.log_info(&format!("stopping {service}: there is no database"));
                container.call_method1("stop", (service,))?;
            }
            Ok(())
        }
        Run::So(workload) => so(charm, &container, workload),
    }
}

fn so(charm: &Charm<'_>, container: &Bound<'_, PyAny>, workload: &Workload) -> PyResult<()> {
    for (path, content) in &workload.files {
        write(container, path, content.as_ref())?;
    }
    let added = add(charm, container, &workload.layer)?;
    let running = look(charm)?.services;
    let all_run = SERVICES.iter().all(|service| running.get(*service) == Some(&true));
    if !added && all_run && !container.call_method1("exists", (REPLANNING,))?.is_truthy()? {
        return Ok(());
    }
    match container.call_method0("replan") {
        Ok(_) => container.call_method1("remove_path", (REPLANNING,)).map(|_| ()).or_else(|error| {
            if error.is_instance_of::<PathError>(charm.py()) { Ok(()) } else { Err(error) }
        })?,
        Err(error) if error.is_instance_of::<ChangeError>(charm.py()) => {
            charm.log_error("starting the services", &error);
            charm.set_problem(&last_words(charm, &error));
        }
        Err(error) => return Err(error),
    }
    version(charm)
}

/// Adds the layer unless Pebble's plan says the same already.
fn add(charm: &Charm<'_>, container: &Bound<'_, PyAny>, layer: &layer::Layer) -> PyResult<bool> {
    let text = serde_json::to_string(layer)
        .map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
    // JSON is YAML.
    let wanted = charm.py().import("ops.pebble")?.getattr("Layer")?.call1((text.as_str(),))?;
    let plan = container.call_method0("get_plan")?;
    let mut same = true;
    for section in ["services", "checks", "log_targets"] {
        let there = plan.getattr(section)?;
        for (name, entry) in items(&wanted.getattr(section)?)? {
            let present = there.call_method1("get", (name,))?;
            same &= !present.is_none() && says_the_same(&entry, &present)?;
        }
    }
    if !same {
        // Whoever adds the layer may not come to replan: the plan alone would not show it afterwards.
        let arguments = PyDict::new(charm.py());
        arguments.set_item("make_dirs", true)?;
        container.call_method("push", (REPLANNING, ""), Some(&arguments))?;
        arguments.clear();
        arguments.set_item("combine", true)?;
        container.call_method("add_layer", (layer::LABEL, wanted), Some(&arguments))?;
    }
    Ok(!same)
}

/// Whether all that is wanted is there: Pebble may add defaults of its own.
fn says_the_same(wanted: &Bound<'_, PyAny>, present: &Bound<'_, PyAny>) -> PyResult<bool> {
    let present = present.call_method0("to_dict")?;
    for (key, value) in items(&wanted.call_method0("to_dict")?)? {
        if key != "override" && !present.call_method1("get", (key,))?.eq(value)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes a file that differs, or removes one that is not wanted.
fn write(container: &Bound<'_, PyAny>, path: &str, content: Option<&Secret>) -> PyResult<()> {
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

/// Runs one of the workload's commands: what it printed, or why it failed.
pub(super) fn command(
    charm: &Charm<'_>,
    arguments: &[String],
    environment: &Variables,
) -> PyResult<Result<String, String>> {
    let container = charm.container()?;
    let command: Vec<&str> = std::iter::once(PROGRAM).chain(arguments.iter().map(String::as_str)).collect();
    let options = PyDict::new(charm.py());
    options.set_item("environment", environment)?;
    options.set_item("timeout", PATIENCE)?;
    let output = container
        .call_method("exec", (command,), Some(&options))
        .and_then(|process| process.call_method0("wait_output"));
    match output {
        Ok(output) => Ok(Ok(output.get_item(0)?.extract()?)),
        Err(error) if error.is_instance_of::<ExecError>(charm.py()) => {
            let value = error.value(charm.py());
            let errors: Option<String> = value.getattr("stderr")?.extract()?;
            let code: i64 = value.getattr("exit_code")?.extract()?;
            Ok(Err(action::failure(code, &errors.unwrap_or_default())))
        }
        Err(error) => Ok(Err(error.value(charm.py()).to_string())),
    }
}

fn version(charm: &Charm<'_>) -> PyResult<()> {
    if let Ok(output) = command(charm, &["--version".to_owned()], &Variables::new())?
        && let Some(version) = output.split_whitespace().last()
    {
        charm.unit()?.call_method1("set_workload_version", (version,))?;
    }
    Ok(())
}

/// What Pebble, and the service that it could not start, said last.
fn last_words(charm: &Charm<'_>, error: &PyErr) -> String {
    let words = || {
        let change = error.value(charm.py()).getattr("change")?;
        let mut words = Vec::new();
        for task in change.getattr("tasks")?.try_iter()? {
            for log in task?.getattr("log")?.try_iter()? {
                words.extend(log?.extract::<String>()?.lines().map(|line| line.trim().to_owned()));
            }
        }
        Ok::<_, PyErr>(words)
    };
    let words = words().unwrap_or_default();
    let last = words.iter().rfind(|line| !line.is_empty() && !line.ends_with("exited quickly with code 0"));
    let last = last.cloned().unwrap_or_else(|| error.value(charm.py()).to_string());
    format!("the workload does not start: {}", last.lines().next().unwrap_or_default())
}

fn items<'py>(of: &Bound<'py, PyAny>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    of.call_method0("items")?.try_iter()?.map(|item| item?.extract()).collect()
}
