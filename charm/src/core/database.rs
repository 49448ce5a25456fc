//! The database: what we ask of PostgreSQL's charm, and what it gives.

use super::facts::{Bag, Facts, Relation, Secret};
use super::status::Condition;

/// The endpoint.
pub const ENDPOINT: &str = "database";
/// The database's name.
const NAME: &str = "cm";

/// How the database is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// A host name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Its name.
    pub name: String,
    /// The user.
    pub user: Secret,
    /// The user's password.
    pub password: Secret,
    /// Whether the connection is encrypted.
    pub tls: Tls,
}

/// How the connection to the database is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// In clear.
    Off,
    /// Encrypted; the certificate is not checked, as the provider gave no CA.
    Unchecked,
    /// Encrypted; the certificate comes from this CA.
    Checked(String),
}

/// What the leader writes.
pub fn request() -> Bag {
    let secrets = r#"["username","password","tls","tls-ca","uris"]"#;
    [("database", NAME), ("requested-secrets", secrets)].map(|(key, value)| (key.into(), value.into())).into()
}

/// What the provider gave.
pub fn read(facts: &Facts) -> Result<Database, Condition> {
    let Some(relation) = facts.relation(ENDPOINT) else {
        let app = &facts.app;
        return Err(Condition::blocked(format!("no database: juju integrate {app}:database postgresql-k8s")));
    };
    complete(facts, relation)
        .ok_or_else(|| Condition::waiting(format!("waiting for {} to give a database", relation.remote)))
}

fn complete(facts: &Facts, relation: &Relation) -> Option<Database> {
    let user = facts.secret(relation.app.get("secret-user")?)?;
    // Of several the first is the one that can be written to.
    let endpoint = relation.app.get("endpoints")?.split(',').map(str::trim).find(|text| !text.is_empty())?;
    let (host, port) = match endpoint.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (endpoint, 5432),
    };
    let name = relation.app.get("database").filter(|name| !name.is_empty());
    Some(Database {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port,
        name: name.cloned().unwrap_or_else(|| NAME.to_owned()),
        user: user.get("username")?.clone(),
        password: user.get("password")?.clone(),
        tls: tls(facts, relation)?,
    })
}

/// None: the provider speaks of TLS in a secret that cannot be read yet.
fn tls(facts: &Facts, relation: &Relation) -> Option<Tls> {
    let Some(uri) = relation.app.get("secret-tls") else { return Some(Tls::Off) };
    let secret = facts.secret(uri)?;
    let is_on = secret.get("tls").is_some_and(|on| on.expose().eq_ignore_ascii_case("true"));
    let ca = secret.get("tls-ca").map(|ca| ca.expose().trim()).filter(|ca| !ca.is_empty());
    Some(match (is_on, ca) {
        (false, _) => Tls::Off,
        (true, None) => Tls::Unchecked,
        (true, Some(ca)) => Tls::Checked(format!("{ca}\n")),
    })
}
