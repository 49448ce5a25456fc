//! The frames of the reverse tunnel (contract 1.3): per request one JSON text message in each direction.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::json::null_is_default;

/// Header names with all their values. A cluster accepts names in canonical spelling only: `Authorization`, not
/// `authorization` (contract 1.3).
pub type Headers = BTreeMap<String, Vec<String>>;

/// A request from the hub to the cluster's LXD (contract 1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Identifies the request. The response repeats it.
    pub uuid: String,
    /// The method.
    pub method: Method,
    /// The path with its query, as [`check_path`] allows it.
    pub path: String,
    /// The headers of the response. The cluster forwards only `Authorization` and `Cookie`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub headers: Headers,
    /// The body; base64 on the wire.
    #[serde(default)]
    pub body: Option<Body>,
}

/// The methods that a cluster accepts (contract 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are HTTP's")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The cluster's response to one request (contract 1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The `uuid` of the request.
    pub uuid: String,
    /// The HTTP status.
    pub status: u16,
    /// The headers of the response. One that is no list of texts is left out.
    #[serde(default, deserialize_with = "readable_headers")]
    pub headers: Headers,
    /// The cookies. The hub never forwards them. One that has no name or no value is left out.
    #[serde(default, deserialize_with = "readable_cookies")]
    pub cookies: Vec<Cookie>,
    /// The body; base64 on the wire.
    #[serde(default)]
    pub body: Option<Body>,
}

/// A cookie in a response. Its other attributes are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A body, which is base64 on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body(pub Vec<u8>);

/// The path cannot be requested through the tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a path through the tunnel must be /1.0 or begin with /1.0/, without control characters or `..`")]
pub struct InvalidPath;

/// Checks a path with its query before it is sent. It must be `/1.0` or begin with `/1.0/`, and contain neither control
/// characters nor a segment `..`, encoded or not: clusters do not filter those (contract 1.3).
pub fn check_path(path: &str) -> Result<(), InvalidPath> {
    let plain = path.split_once('?').map_or(path, |(plain, _)| plain);
    // The cluster may decode the path before it resolves `..`.
    let climbs = plain.to_ascii_lowercase().replace("%2e", ".").split('/').any(|part| part == "..");
    if (path == "/1.0" || path.starts_with("/1.0/")) && !climbs && !path.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(InvalidPath)
    }
}

fn readable_headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
    let all: BTreeMap<String, Value> = null_is_default(deserializer)?;
    let readable = |(name, values)| Some((name, serde_json::from_value(values).ok()?));
    Ok(all.into_iter().filter_map(readable).collect())
}

fn readable_cookies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cookie>, D::Error> {
    let all: Vec<Value> = null_is_default(deserializer)?;
    Ok(all.into_iter().filter_map(|cookie| serde_json::from_value(cookie).ok()).collect())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn request_has_the_documented_keys() {
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
    fn lists_of_a_response_may_be_absent_or_null() {
        for text in [
            r#"{"uuid":"u","status":204}"#,
            r#"{"uuid":"u","status":204,"headers":null,"cookies":null,"body":null,"more":1}"#,
        ] {
            let response: Response = serde_json::from_str(text).unwrap();
            assert_eq!((response.status, response.body), (204, None));
        }
    }

    #[test]
    fn odd_header_or_cookie_costs_only_itself() {
        let text = r#"{"uuid":"u","status":200,"headers":{"A":["x"],"B":null,"C":5},
            "cookies":[{"Name":"n","Value":"v","Expires":7},{"Name":null},5]}"#;
        let response: Response = serde_json::from_str(text).unwrap();
        assert_eq!(
            response.headers.into_iter().collect::<Vec<_>>(),
            [("A".to_owned(), vec!["x".to_owned()])]
        );
        assert_eq!(response.cookies.len(), 1);
    }

    #[test]
    fn only_api_paths_are_accepted() {
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
        fn bodies_survive_a_round_trip(bytes: Vec<u8>) {
            let text = serde_json::to_string(&Body(bytes.clone())).unwrap();
            prop_assert_eq!(serde_json::from_str::<Body>(&text).unwrap().0, bytes);
        }
    }
}
