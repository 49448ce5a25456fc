//! The provider's keys (RFC 7517).

use openid_documents::{Document, Unreadable};
use openidconnect::JsonWebKey as _;
use openidconnect::core::CoreJsonWebKey;
use serde_json::{Map, Value};

/// What a public key consists of. Everything else, such as certificates, is not needed.
const FIELDS: [&str; 9] = ["kty", "use", "kid", "alg", "n", "e", "crv", "x", "y"];

/// The provider's public keys. Those of an unknown kind are left out.
#[derive(Debug, Clone)]
pub(crate) struct Keys(Vec<CoreJsonWebKey>);

impl Keys {
    /// Reads a set of keys.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let keys = Document::read("key set", body)?.required_objects("keys", "key")?;
        Ok(Self(keys.iter().filter_map(key).collect()))
    }

    pub(crate) fn all(&self) -> &[CoreJsonWebKey] {
        &self.0
    }

    /// Whether there is a key with this id.
    pub(crate) fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.key_id().is_some_and(|id| id.as_str() == kid))
    }
}

fn key(document: &Document) -> Option<CoreJsonWebKey> {
    let field = |name: &str| Some((name.to_owned(), Value::String(document.text(name)?)));
    let fields: Map<_, _> = FIELDS.into_iter().filter_map(field).collect();
    serde_json::from_value(Value::Object(fields)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn odd_keys_and_odd_fields_do_not_hide_other_keys() {
        let good = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "good", "use": "", "alg": null,
            "x5c": [1], "key_ops": "verify", "exp": "never"});
        let keys = json!({"keys": [null, 1, {"kty": "new"}, {"kty": 7}, good, {"kty": "RSA", "kid": 5, "n": "AA",
            "e": "AQAB"}]});
        let keys = Keys::read(keys.to_string().as_bytes()).unwrap();
        assert_eq!(keys.all().len(), 2);
        assert!(keys.has("good") && !keys.has("5"));
        let problem = Keys::read(br#"{"keys": {}}"#).unwrap_err().to_string();
        assert_eq!(problem, "key set: \"keys\" must be a list, and is an object");
    }
}
