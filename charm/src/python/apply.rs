//! Stores the application's secrets, and writes the data of relations.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::ops::Charm;
use crate::core::app_secrets::{self, Content, SecretLabel, Stored};
use crate::core::config::Config;
use crate::core::connector_certificate::{self, activate};
use crate::core::decide::{BagChanges, Desired, Generate};
use crate::core::facts::{Facts, Secret};
use crate::core::leaf::Leaf;
use crate::core::names::{KEY_BYTES, PEERS};

/// Generates and stores the application's secrets. Returns whether anything changed, so that the decision must be repeated.
pub(super) fn secrets(charm: &Charm<'_>, facts: &Facts, desired: &Desired) -> PyResult<bool> {
    let mut changed = false;
    for secret in &desired.generate {
        let (label, content) = generate(facts, secret)?;
        changed |= store_secret(charm, facts, label, &content)?;
    }
    for (label, content) in &desired.secrets {
        changed |= store_secret(charm, facts, *label, content)?;
    }
    Ok(changed)
}

/// Stores a secret of the application, and its URI in the peer relation. Returns whether anything changed.
pub(super) fn store_secret(
    charm: &Charm<'_>,
    facts: &Facts,
    label: SecretLabel,
    content: &Content,
) -> PyResult<bool> {
    if let Stored::Content(present) = app_secrets::read(facts, label)
        && present == content
    {
        return Ok(false);
    }
    let exposed: BTreeMap<&str, &str> =
        content.iter().map(|(key, value)| (key.as_str(), value.expose())).collect();
    if let Some(uri) = app_secrets::uri(facts, label) {
        let arguments = PyDict::new(charm.py());
        arguments.set_item("id", uri)?;
        let secret = charm.model()?.call_method("get_secret", (), Some(&arguments))?;
        secret.call_method1("set_content", (exposed,))?;
        // Otherwise this process would keep reading the old content.
        arguments.clear();
        arguments.set_item("refresh", true)?;
        secret.call_method("get_content", (), Some(&arguments))?;
        return Ok(true);
    }
    let arguments = PyDict::new(charm.py());
    arguments.set_item("label", label.name())?;
    let secret = charm.app()?.call_method("add_secret", (exposed,), Some(&arguments))?;
    let uri: String = secret.getattr("id")?.extract()?;
    let changes: BagChanges = [(label.name().to_owned(), Some(uri))].into();
    for (endpoint, relation) in charm.relations()? {
        if endpoint == PEERS {
            relation.write(&charm.app()?, &changes)?;
        }
    }
    Ok(true)
}

/// Generates a leaf certificate for the connector, as the content of a secret.
pub(super) fn generate_leaf(facts: &Facts, host: &str) -> PyResult<Content> {
    let failed = |text: String| PyValueError::new_err(text);
    let config = Config::read(facts).map_err(|_| failed("the options are invalid".to_owned()))?;
    let leaf = Leaf::generate(host, facts.now).map_err(|error| failed(error.to_string()))?;
    Ok(connector_certificate::content(&activate(&config, leaf, false)))
}

fn generate(facts: &Facts, secret: &Generate) -> PyResult<(SecretLabel, Content)> {
    match secret {
        Generate::Leaf(host) => Ok((SecretLabel::Connector, generate_leaf(facts, host)?)),
        Generate::EncryptionKey => {
            let mut bytes = [0; KEY_BYTES];
            aws_lc_rs::rand::fill(&mut bytes)
                .map_err(|_| PyValueError::new_err("cannot generate random numbers"))?;
            Ok((SecretLabel::EncryptionKeys, [("keys".to_owned(), Secret::new(hex::encode(bytes)))].into()))
        }
    }
}

/// Writes the changes to the data of all relations.
pub(super) fn relations(charm: &Charm<'_>, desired: &Desired) -> PyResult<()> {
    let (app, unit) = (charm.app()?, charm.unit()?);
    for (_, relation) in charm.relations()? {
        let id = relation.id()?;
        if let Some(changes) = desired.app_data.get(&id) {
            relation.write(&app, changes)?;
        }
        if let Some(changes) = desired.unit_data.get(&id) {
            relation.write(&unit, changes)?;
        }
    }
    Ok(())
}

/// Opens exactly the desired ports.
pub(super) fn ports(charm: &Charm<'_>, desired: &Desired) -> PyResult<()> {
    let ports = pyo3::types::PyTuple::new(charm.py(), &desired.ports)?;
    charm.unit()?.call_method1("set_ports", ports).map(|_| ())
}
