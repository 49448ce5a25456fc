//! The frames of the reverse tunnel (contract 1.3): one JSON text message each way per request.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Header names with all their values.
pub type Headers = BTreeMap<String, Vec<String>>;

/// A request from the hub to the LXD behind the tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Tells which answer belongs to which request.
    pub uuid: String,
    /// The HTTP method.
    pub method: Method,
    /// `/1.0`, or below it, with the query.
    pub path: String,
    /// The headers; the site forwards only `Authorization` and `Cookie`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub headers: Headers,
    /// The body, base64 on the wire.
    #[serde(default)]
    pub body: Option<Body>,
}

/// The methods that a site accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "HTTP's own names")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The site's answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The request's.
    pub uuid: String,
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers.
    #[serde(default, deserialize_with = "null_is_default")]
    pub headers: Headers,
    /// The answer's cookies, which the hub never hands on.
    #[serde(default, deserialize_with = "null_is_default")]
    pub cookies: Vec<Cookie>,
    /// The body, base64 on the wire.
    #[serde(default)]
    pub body: Option<Body>,
}

/// A cookie as a site writes it; other attributes are not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Bytes that travel as base64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body(pub Vec<u8>);

/// The path is not one that a site answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a path through the tunnel is /1.0 or begins with /1.0/")]
pub struct InvalidPath;

/// Checks a path (with its query) before it is sent.
pub fn check_path(path: &str) -> Result<(), InvalidPath> {
    let plain = path.split_once('?').map_or(path, |(plain, _)| plain);
    // Whoever is behind the tunnel may decode before it looks.
    let climbs = plain.to_ascii_lowercase().replace("%2e", ".").split('/').any(|part| part == "..");
    if (path == "/1.0" || path.starts_with("/1.0/")) && !climbs && !path.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(InvalidPath)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Go writes an empty list or map as `null`.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_has_the_contracts_keys() {
        let request = Request {
            uuid: "u".to_owned(),
            method: Method::Patch,
            path: "/1.0/instances?recursion=1".to_owned(),
            headers: [("Cookie".to_owned(), vec!["a=b".to_owned()])].into(),
            body: Some(Body(b"hi".to_vec())),
        };
        insta::assert_snapshot!(
            serde_json::to_string(&request).unwrap(),
            @r#"{"uuid":"u","method":"PATCH","path":"/1.0/instances?recursion=1","headers":{"Cookie":["a=b"]},"body":"aGk="}"#
        );
    }

    #[test]
    fn an_answer_may_leave_out_or_null_its_lists() {
        for text in [
            r#"{"uuid":"u","status":204}"#,
            r#"{"uuid":"u","status":204,"headers":null,"cookies":null,"body":null,"more":1}"#,
        ] {
            let response: Response = serde_json::from_str(text).unwrap();
            assert_eq!((response.status, response.body), (204, None));
        }
    }

    #[test]
    fn only_paths_of_the_api_pass() {
        for path in ["/1.0", "/1.0/", "/1.0/events?x=..", "/1.0/instances/a%2Fb"] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
        for path in [
            "",
            "/",
            "/1.0?x",
            "/1.00",
            "/2.0/",
            "/1.0/../x",
            "/1.0/%2e%2E/x",
            "/1.0/.%2e",
            "/1.0/\r\nHost: x",
            "https://x/1.0/",
        ] {
            assert_eq!(check_path(path), Err(InvalidPath), "{path}");
        }
    }

    proptest! {
        #[test]
        fn bodies_survive(bytes: Vec<u8>) {
            let text = serde_json::to_string(&Body(bytes.clone())).unwrap();
            prop_assert_eq!(serde_json::from_str::<Body>(&text).unwrap().0, bytes);
        }
    }
}
