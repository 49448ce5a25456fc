//! Typed wrappers of Python's `ops` objects.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::core::decide::BagChanges;
use crate::core::facts::{Bag, Secret};

/// The exceptions that are handled.
pub(super) mod exceptions {
    pyo3::import_exception!(ops, ModelError);
    pyo3::import_exception!(ops.pebble, ChangeError);
    pyo3::import_exception!(ops.pebble, ExecError);
    pyo3::import_exception!(ops.pebble, PathError);
}

/// The charm, an `ops.CharmBase`.
pub(super) struct Charm<'py>(Bound<'py, PyAny>);

/// An `ops.Relation`.
pub(super) struct Relation<'py>(Bound<'py, PyAny>);

// === impl Charm ===

impl<'py> Charm<'py> {
    pub(super) fn new(charm: Bound<'py, PyAny>) -> Self {
        Self(charm)
    }

    pub(super) fn py(&self) -> Python<'py> {
        self.0.py()
    }

    pub(super) fn model(&self) -> PyResult<Bound<'py, PyAny>> {
        self.0.getattr("model")
    }

    pub(super) fn app(&self) -> PyResult<Bound<'py, PyAny>> {
        self.0.getattr("app")
    }

    pub(super) fn unit(&self) -> PyResult<Bound<'py, PyAny>> {
        self.0.getattr("unit")
    }

    pub(super) fn container(&self) -> PyResult<Bound<'py, PyAny>> {
        self.unit()?.call_method1("get_container", ("cluster-manager",))
    }

    /// The options with a value.
    pub(super) fn config(&self) -> PyResult<BTreeMap<String, Value>> {
        let config = PyDict::new(self.py());
        config.call_method1("update", (self.0.getattr("config")?,))?;
        values(&config)
    }

    /// All relations with their endpoint, except broken ones, which Juju still lists.
    pub(super) fn relations(&self) -> PyResult<Vec<(String, Relation<'py>)>> {
        let relations = self.model()?.getattr("relations")?;
        let mut found = Vec::new();
        for endpoint in self.0.getattr("meta")?.getattr("relations")?.call_method0("keys")?.try_iter()? {
            let endpoint: String = endpoint?.extract()?;
            for relation in relations.get_item(&endpoint)?.try_iter()? {
                let relation = relation?;
                if relation.getattr("active")?.is_truthy()? {
                    found.push((endpoint.clone(), Relation(relation)));
                }
            }
        }
        Ok(found)
    }

    /// The latest content of a secret; `None` if Juju denies access.
    pub(super) fn secret(&self, uri: &str) -> PyResult<Option<BTreeMap<String, Secret>>> {
        let arguments = PyDict::new(self.py());
        arguments.set_item("id", uri)?;
        let read = || {
            let secret = self.model()?.call_method("get_secret", (), Some(&arguments))?;
            let refresh = PyDict::new(self.py());
            refresh.set_item("refresh", true)?;
            let content: BTreeMap<String, String> =
                secret.call_method("get_content", (), Some(&refresh))?.extract()?;
            Ok(content.into_iter().map(|(key, value)| (key, Secret::new(value))).collect())
        };
        absent_if_gone(self.py(), read())
    }

    /// The problem that occurred in this process, if any.
    pub(super) fn problem(&self) -> Option<String> {
        self.0.getattr("problem").ok()?.extract().ok()?
    }

    pub(super) fn set_problem(&self, problem: &str) {
        // The constructor has set the attribute, so this cannot fail.
        let _ = self.0.setattr("problem", problem);
    }

    /// The certificate from the provider for a purpose: the chain, beginning with the leaf, and the key.
    pub(super) fn assigned_certificate(&self, purpose: &str) -> PyResult<Option<(Vec<String>, Secret)>> {
        let (library, requests) = (self.0.getattr("certificates")?, self.0.getattr("requests")?);
        let request = requests.call_method1("get", (purpose,))?;
        if library.is_none() || request.is_none() {
            return Ok(None);
        }
        let (certificate, key): (Bound<'py, PyAny>, Bound<'py, PyAny>) =
            library.call_method1("get_assigned_certificate", (request,))?.extract()?;
        if certificate.is_none() || key.is_none() {
            return Ok(None);
        }
        let leaf = certificate.getattr("certificate")?.str()?.to_string();
        let mut chain = vec![leaf];
        for link in certificate.getattr("chain")?.try_iter()? {
            let link = link?.str()?.to_string();
            if !chain.contains(&link) {
                chain.push(link);
            }
        }
        Ok(Some((chain, Secret::new(key.str()?.to_string()))))
    }

    /// Logs an error with its traceback. Errors of this charm and of Juju contain no secrets.
    pub(super) fn log_error(&self, message: &str, error: &PyErr) {
        let log = || {
            let arguments = PyDict::new(self.py());
            arguments.set_item("exc_info", error.value(self.py()))?;
            self.logger()?.call_method("error", ("%s", message), Some(&arguments))
        };
        // An error of the logging itself cannot be reported.
        let _ = log();
    }

    pub(super) fn log_info(&self, text: &str) {
        let _ = self.logger().and_then(|logger| logger.call_method1("info", ("%s", text)));
    }

    fn logger(&self) -> PyResult<Bound<'py, PyAny>> {
        self.py().import("logging")?.call_method1("getLogger", ("cluster-manager",))
    }
}

// === impl Relation ===

impl<'py> Relation<'py> {
    pub(super) fn id(&self) -> PyResult<i64> {
        self.0.getattr("id")?.extract()
    }

    /// The name of the other application, if Juju knows it.
    pub(super) fn remote(&self) -> PyResult<Option<String>> {
        let app = self.0.getattr("app")?;
        if app.is_none() { Ok(None) } else { app.getattr("name")?.extract().map(Some) }
    }

    pub(super) fn remote_app(&self) -> PyResult<Bound<'py, PyAny>> {
        self.0.getattr("app")
    }

    pub(super) fn units(&self) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.0.getattr("units")?.try_iter()?.collect()
    }

    /// The data of an application or unit; empty if Juju denies access.
    pub(super) fn bag(&self, of: &Bound<'py, PyAny>) -> PyResult<Bag> {
        let py = of.py();
        let read = || {
            let bag = PyDict::new(py);
            bag.call_method1("update", (self.data(of)?,))?;
            bag.extract::<Bag>()
        };
        absent_if_gone(py, read()).map(Option::unwrap_or_default)
    }

    /// Writes the changes that differ from the present data. Returns whether there were any.
    pub(super) fn write(&self, of: &Bound<'py, PyAny>, changes: &BagChanges) -> PyResult<bool> {
        let before = self.bag(of)?;
        let differing = changes.iter().filter(|(key, value)| before.get(*key) != value.as_ref());
        let differing: Vec<_> = differing.collect();
        let write = || {
            let bag = self.data(of)?;
            for (key, value) in &differing {
                // An empty value removes the key.
                bag.set_item(key, value.as_deref().unwrap_or_default())?;
            }
            Ok(!differing.is_empty())
        };
        absent_if_gone(of.py(), write()).map(Option::unwrap_or_default)
    }

    fn data(&self, of: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.0.getattr("data")?.get_item(of)
    }
}

/// Turns a `ModelError` into `None`: `ops` raises it for a relation that was removed and a secret that was not granted.
fn absent_if_gone<T>(py: Python<'_>, result: PyResult<T>) -> PyResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_instance_of::<exceptions::ModelError>(py) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Converts the plain values of a Python dictionary.
pub(super) fn values(of: &Bound<'_, PyDict>) -> PyResult<BTreeMap<String, Value>> {
    let value = |value: &Bound<'_, PyAny>| {
        // In Python booleans are integers too.
        if let Ok(value) = value.extract::<bool>() {
            return Value::Bool(value);
        }
        if let Ok(value) = value.extract::<i64>() {
            return Value::from(value);
        }
        if let Ok(value) = value.extract::<f64>() {
            return Value::from(value);
        }
        value.extract::<String>().map_or(Value::Null, Value::String)
    };
    of.iter().map(|(key, item)| Ok((key.extract()?, value(&item)))).collect()
}
