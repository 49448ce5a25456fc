//! Writes what the leader keeps for all units, and what is said in relations.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::ops::Charm;
use crate::core::decide::{Desired, Make, Said};
use crate::core::facts::{Facts, Secret};
use crate::core::identity::{self, put_in_force};
use crate::core::kept::{self, Content, Kept, Label};
use crate::core::leaf::Leaf;
use crate::core::paths::KEY_BYTES;
use crate::core::{PEERS, config::Config};

/// Makes and keeps what all units share. Whether anything changed, so that all must be decided anew.
pub(super) fn shared(charm: &Charm<'_>, facts: &Facts, desired: &Desired) -> PyResult<bool> {
    let mut changed = false;
    for make in &desired.make {
        let (label, content) = made(facts, make)?;
        changed |= keep(charm, facts, label, &content)?;
    }
    for (label, content) in &desired.kept {
        changed |= keep(charm, facts, *label, content)?;
    }
    Ok(changed)
}

/// Keeps something as a secret of the application, and says in the peers' relation where. Whether that was news.
pub(super) fn keep(charm: &Charm<'_>, facts: &Facts, label: Label, content: &Content) -> PyResult<bool> {
    if let Kept::Content(present) = kept::read(facts, label)
        && present == content
    {
        return Ok(false);
    }
    let exposed: BTreeMap<&str, &str> =
        content.iter().map(|(key, value)| (key.as_str(), value.expose())).collect();
    if let Some(uri) = kept::uri(facts, label) {
        let arguments = PyDict::new(charm.py());
        arguments.set_item("id", uri)?;
        let secret = charm.model()?.call_method("get_secret", (), Some(&arguments))?;
        secret.call_method1("set_content", (exposed,))?;
        // Else this very process would go on reading what was there before.
        arguments.clear();
        arguments.set_item("refresh", true)?;
        secret.call_method("get_content", (), Some(&arguments))?;
        return Ok(true);
    }
    let arguments = PyDict::new(charm.py());
    arguments.set_item("label", label.name())?;
    let secret = charm.app()?.call_method("add_secret", (exposed,), Some(&arguments))?;
    let uri: String = secret.getattr("id")?.extract()?;
    let said: Said = [(label.name().to_owned(), Some(uri))].into();
    for (endpoint, relation) in charm.relations()? {
        if endpoint == PEERS {
            relation.say(&charm.app()?, &said)?;
        }
    }
    Ok(true)
}

/// A leaf of ours, with what is known of it.
pub(super) fn leaf(facts: &Facts, host: &str) -> PyResult<Content> {
    let failed = |text: String| PyValueError::new_err(text);
    let config = Config::read(facts).map_err(|_| failed("the options are not usable".to_owned()))?;
    let leaf = Leaf::make(host, facts.now).map_err(|error| failed(error.to_string()))?;
    Ok(identity::content(&put_in_force(&config, leaf, false)))
}

fn made(facts: &Facts, make: &Make) -> PyResult<(Label, Content)> {
    match make {
        Make::Leaf(host) => Ok((Label::Connector, leaf(facts, host)?)),
        Make::EncryptionKey => {
            let mut bytes = [0; KEY_BYTES];
            aws_lc_rs::rand::fill(&mut bytes)
                .map_err(|_| PyValueError::new_err("there are no random numbers"))?;
            Ok((Label::EncryptionKeys, [("keys".to_owned(), Secret::new(hex::encode(bytes)))].into()))
        }
    }
}

/// Says in all relations what differs from what stands there.
pub(super) fn relations(charm: &Charm<'_>, desired: &Desired) -> PyResult<()> {
    let (app, unit) = (charm.app()?, charm.unit()?);
    for (_, relation) in charm.relations()? {
        let id = relation.id()?;
        if let Some(said) = desired.app_data.get(&id) {
            relation.say(&app, said)?;
        }
        if let Some(said) = desired.unit_data.get(&id) {
            relation.say(&unit, said)?;
        }
    }
    Ok(())
}

/// Opens the service's ports, and no others.
pub(super) fn ports(charm: &Charm<'_>, desired: &Desired) -> PyResult<()> {
    let ports = pyo3::types::PyTuple::new(charm.py(), &desired.ports)?;
    charm.unit()?.call_method1("set_ports", ports).map(|_| ())
}
