//! The identity provider for sign-in, from the relation `oauth` or from the options.

use serde_json::json;
use settings::{Source, table, typed};

use super::config::{Config, describe};
use super::facts::{Bag, Facts, Relation, Secret};
use super::status::Condition;

/// The endpoint.
pub const ENDPOINT: &str = "oauth";

/// The identity provider, as the workload is configured with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The issuer URL.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The client secret, if there is one.
    pub client_secret: Option<Secret>,
}

/// The leader's data: the client to register.
pub fn request(config: &Config, public: &str) -> Bag {
    let audience: Vec<_> = config.setting(&table::OIDC_AUDIENCE).into_iter().collect();
    [
        ("redirect_uri", format!("https://{public}/oidc/callback")),
        ("scope", "openid offline_access email profile".to_owned()),
        ("grant_types", json!(["authorization_code", "refresh_token"]).to_string()),
        ("audience", json!(audience).to_string()),
        ("token_endpoint_auth_method", "client_secret_basic".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The provider, from the relation or else from the options, with a hint for the status.
pub fn read(facts: &Facts, config: &Config) -> Result<(Provider, Option<Condition>), Condition> {
    let (provider, hint) = match facts.relation(ENDPOINT) {
        Some(relation) => (related(facts, relation)?, None),
        None => configured(facts, config)?,
    };
    validate(&provider)?;
    Ok((provider, hint))
}

fn related(facts: &Facts, relation: &Relation) -> Result<Provider, Condition> {
    let filled = |key: &str| relation.app.get(key).filter(|value| !value.is_empty());
    let secret = |uri: &String| facts.secret(uri)?.get("secret").cloned();
    match (filled("issuer_url"), filled("client_id"), filled("client_secret_id").and_then(secret)) {
        (Some(issuer), Some(client_id), Some(client_secret)) => Ok(Provider {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret: Some(client_secret),
        }),
        _ => Err(Condition::waiting(format!(
            "waiting for {} to register this application for sign-in",
            relation.remote
        ))),
    }
}

fn configured(facts: &Facts, config: &Config) -> Result<(Provider, Option<Condition>), Condition> {
    let settings = (config.setting(&table::OIDC_ISSUER), config.setting(&table::OIDC_CLIENT_ID));
    let (Some(issuer), Some(client_id)) = settings else {
        let app = &facts.app;
        let text = format!(
            "no identity provider: set oidc-issuer and oidc-client-id, or juju integrate {app}:oauth hydra"
        );
        return Err(Condition::blocked(text));
    };
    let (client_secret, hint) = match facts.text("oidc-client-secret") {
        None => (None, None),
        Some(uri) if uri.starts_with("secret:") => (Some(granted(facts, uri)?), None),
        Some(plain) => {
            let text = "oidc-client-secret is visible in the options: use a Juju secret instead, see juju add-secret";
            (Some(Secret::new(plain)), Some(Condition::note(text)))
        }
    };
    Ok((Provider { issuer: issuer.into(), client_id: client_id.into(), client_secret }, hint))
}

/// The value in an operator's secret: that of the key `secret`, or else the only one.
fn granted(facts: &Facts, uri: &str) -> Result<Secret, Condition> {
    let app = &facts.app;
    let Some(content) = facts.secret(uri) else {
        return Err(Condition::blocked(format!(
            "cannot read oidc-client-secret: juju grant-secret {uri} {app}"
        )));
    };
    let only = || content.values().next().filter(|_| content.len() == 1);
    content.get("secret").or_else(only).cloned().ok_or_else(|| {
        Condition::blocked(format!(
            "oidc-client-secret has no key named secret: juju update-secret {uri} secret=…"
        ))
    })
}

/// Validates the issuer as the workload does, which would otherwise refuse to start.
fn validate(provider: &Provider) -> Result<(), Condition> {
    let variables = [
        (table::OIDC_ISSUER.name, provider.issuer.as_str()),
        (table::OIDC_CLIENT_ID.name, provider.client_id.as_str()),
        (table::MANAGEMENT_API_TLS_PATH.name, "/"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let checked = Source::from_variables(variables).and_then(|source| typed::Management::from(&source));
    checked.map(|_| ()).map_err(|error| Condition::blocked(describe(&error)))
}
