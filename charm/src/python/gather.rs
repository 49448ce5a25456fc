//! Reads the facts.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;

use super::ops::Charm;
use super::workload;
use crate::core::facts::{Facts, Issued, Pair, Relation, SecretFact};
use crate::core::management_certificate::{self, Purpose};
use crate::core::names::PEERS;
use crate::core::references;

/// Reads all facts except the number of clusters, which takes a command in the container.
pub(super) fn facts(charm: &Charm<'_>) -> PyResult<Facts> {
    let mut facts = outline(charm)?;
    facts.relations = relations(charm, &facts)?;
    for uri in references::secrets(&facts) {
        let content = charm.secret(&uri)?;
        facts.secrets.insert(uri, content.map_or(SecretFact::Unreadable, SecretFact::Content));
    }
    facts.container = workload::read(charm)?;
    if facts.leader && facts.relation(management_certificate::ENDPOINT).is_some() {
        facts.issued = Issued {
            management: issued(charm, Purpose::Management),
            connector: issued(charm, Purpose::Connector),
        };
    }
    Ok(facts)
}

/// Reads the facts that need neither secrets nor the data of relations.
pub(super) fn outline(charm: &Charm<'_>) -> PyResult<Facts> {
    let (model, app, unit) = (charm.model()?, charm.app()?, charm.unit()?);
    let relations = charm.relations()?.into_iter().map(|(endpoint, relation)| {
        let remote = relation.remote()?.unwrap_or_default();
        Ok(Relation { endpoint, id: relation.id()?, remote, ..Relation::default() })
    });
    Ok(Facts {
        app: app.getattr("name")?.extract()?,
        unit: unit.getattr("name")?.extract()?,
        model: model.getattr("name")?.extract()?,
        model_uuid: model.getattr("uuid")?.extract()?,
        leader: unit.call_method0("is_leader")?.extract()?,
        // Juju does not report an application that is being removed.
        planned_units: app.call_method0("planned_units").and_then(|units| units.extract()).ok(),
        host: charm.py().import("socket")?.call_method0("getfqdn")?.extract()?,
        ip: address(charm).ok().flatten(),
        config: charm.config()?,
        relations: relations.collect::<PyResult<_>>()?,
        now: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .unwrap_or_default(),
        ..Facts::default()
    })
}

fn address(charm: &Charm<'_>) -> PyResult<Option<String>> {
    let binding = charm.model()?.call_method1("get_binding", (PEERS,))?;
    if binding.is_none() {
        return Ok(None);
    }
    let address = binding.getattr("network")?.getattr("bind_address")?;
    (!address.is_none()).then(|| address.str().map(|text| text.to_string())).transpose()
}

fn relations(charm: &Charm<'_>, facts: &Facts) -> PyResult<Vec<Relation>> {
    let (app, unit) = (charm.app()?, charm.unit()?);
    let mut relations = Vec::new();
    for (endpoint, relation) in charm.relations()? {
        let remote = relation.remote_app()?;
        let mut units = BTreeMap::new();
        for unit in relation.units()? {
            units.insert(unit.getattr("name")?.extract()?, relation.bag(&unit)?);
        }
        // Followers can read the data of their own application only in the peer relation.
        let readable = facts.leader || endpoint == PEERS;
        relations.push(Relation {
            id: relation.id()?,
            remote: relation.remote()?.unwrap_or_default(),
            our_app: if readable { relation.bag(&app)? } else { BTreeMap::new() },
            our_unit: relation.bag(&unit)?,
            app: if remote.is_none() || endpoint == PEERS {
                BTreeMap::new()
            } else {
                relation.bag(&remote)?
            },
            units,
            endpoint,
        });
    }
    Ok(relations)
}

/// Reads a certificate from the provider. An error is logged and counts as no certificate.
fn issued(charm: &Charm<'_>, purpose: Purpose) -> Option<Pair> {
    let assigned = charm.assigned_certificate(purpose.as_str());
    let assigned =
        assigned.inspect_err(|error| charm.log_error("cannot read the certificate from its provider", error));
    let (chain, key) = assigned.ok()??;
    let certificate = chain.iter().flat_map(|link| [link.trim(), "\n"]).collect();
    Some(Pair { certificate, key })
}
