//! The relation `database`: the request to the PostgreSQL charm, and the connection that it provides.

use super::facts::{Bag, Facts, Relation, Secret};
use super::status::Condition;

/// The endpoint.
pub const ENDPOINT: &str = "database";
/// The name of the requested database.
const DATABASE_NAME: &str = "cm";

/// The connection to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The host name or IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The name of the database.
    pub name: String,
    /// The user.
    pub user: Secret,
    /// The user's password.
    pub password: Secret,
    /// The protection of the connection.
    pub tls: Tls,
}

/// The protection of the connection to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Unencrypted.
    Off,
    /// Encrypted. The server's certificate is not verified, because the provider sent no CA.
    Unverified,
    /// Encrypted. The server's certificate is verified with this CA.
    Verified(String),
}

/// The leader's data.
pub fn request() -> Bag {
    let secrets = r#"["username","password","tls","tls-ca","uris"]"#;
    [("database", DATABASE_NAME), ("requested-secrets", secrets)]
        .map(|(key, value)| (key.into(), value.into()))
        .into()
}

/// The connection from the provider, or the condition that is missing for it.
pub fn read(facts: &Facts) -> Result<Database, Condition> {
    let Some(relation) = facts.relation(ENDPOINT) else {
        let app = &facts.app;
        return Err(Condition::blocked(format!("no database: juju integrate {app}:database postgresql-k8s")));
    };
    complete(facts, relation)
        .ok_or_else(|| Condition::waiting(format!("waiting for {} to provide a database", relation.remote)))
}

fn complete(facts: &Facts, relation: &Relation) -> Option<Database> {
    let user = facts.secret(relation.app.get("secret-user")?)?;
    // The first of several endpoints is the writable one.
    let endpoint = relation.app.get("endpoints")?.split(',').map(str::trim).find(|text| !text.is_empty())?;
    let (host, port) = match endpoint.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (endpoint, 5432),
    };
    let name = relation.app.get("database").filter(|name| !name.is_empty());
    Some(Database {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port,
        name: name.cloned().unwrap_or_else(|| DATABASE_NAME.to_owned()),
        user: user.get("username")?.clone(),
        password: user.get("password")?.clone(),
        tls: tls(facts, relation)?,
    })
}

/// The protection of the connection. `None` if the provider's secret about it cannot be read yet.
fn tls(facts: &Facts, relation: &Relation) -> Option<Tls> {
    let Some(uri) = relation.app.get("secret-tls") else { return Some(Tls::Off) };
    let secret = facts.secret(uri)?;
    let is_on = secret.get("tls").is_some_and(|on| on.expose().eq_ignore_ascii_case("true"));
    let ca = secret.get("tls-ca").map(|ca| ca.expose().trim()).filter(|ca| !ca.is_empty());
    Some(match (is_on, ca) {
        (false, _) => Tls::Off,
        (true, None) => Tls::Unverified,
        (true, Some(ca)) => Tls::Verified(format!("{ca}\n")),
    })
}
