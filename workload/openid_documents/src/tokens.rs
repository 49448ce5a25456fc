//! Responses of the token endpoint (RFC 6749, section 5) and of the device authorization endpoint (RFC 8628, section 3.2).

use crate::document::{Document, Unreadable};

/// The lifetime of a device code if the provider does not state it, in seconds.
const DEFAULT_DEVICE_CODE_SECONDS: u64 = 600;

/// The tokens that a provider issued. An empty text counts as no token. Neither debug output nor errors contain them.
pub struct TokenResponse {
    /// The access token, or why there is none.
    pub access_token: Result<String, Unreadable>,
    /// The ID token, or why there is none.
    pub id_token: Result<String, Unreadable>,
    /// The refresh token.
    pub refresh_token: Option<String>,
    /// In how many seconds the access token expires, if the provider states it.
    pub expires_in: Option<u64>,
}

/// An error of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The error code.
    pub error: String,
    /// A text for people.
    pub description: Option<String>,
}

/// A code that somebody must confirm in a browser.
pub struct DeviceAuthorization {
    /// What the program presents.
    pub device_code: String,
    /// What the person types.
    pub user_code: String,
    /// The page to type it on.
    pub verification_uri: String,
    /// The same page with the code filled in.
    pub verification_uri_complete: Option<String>,
    /// In how many seconds the code expires.
    pub expires_in: u64,
    /// How many seconds to wait between two polls, if the provider states it.
    pub interval: Option<u64>,
}

impl TokenResponse {
    /// Reads a successful response. One with neither an access token nor an ID token is unreadable.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let document = Document::read("token response", body)?;
        let id_token = document.required_text("id_token");
        let access_token = document.required_text("access_token");
        if let (Err(problem), Err(_)) = (&access_token, &id_token) {
            return Err(problem.clone());
        }
        Ok(Self {
            access_token,
            id_token,
            refresh_token: document.text("refresh_token"),
            expires_in: document.seconds("expires_in"),
        })
    }
}

impl ErrorResponse {
    /// Reads an error; `None` if the body is not one, such as the page of a proxy.
    pub fn read(body: &[u8]) -> Option<Self> {
        let document = Document::read("error", body).ok()?;
        // A code may be empty, and is then as unknown as any other one.
        let error = document.value("error")?.as_str()?.to_owned();
        Some(Self { error, description: document.text("error_description") })
    }
}

impl DeviceAuthorization {
    /// Reads a successful response.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let document = Document::read("device authorization response", body)?;
        // Google's name for it is older than the standard's.
        let page = document.text("verification_uri").or_else(|| document.text("verification_url"));
        Ok(Self {
            device_code: document.required_text("device_code")?,
            user_code: document.required_text("user_code")?,
            verification_uri: page.ok_or_else(|| document.problem("verification_uri", "a text"))?,
            verification_uri_complete: document.text("verification_uri_complete"),
            expires_in: document.seconds("expires_in").unwrap_or(DEFAULT_DEVICE_CODE_SECONDS),
            interval: document.seconds("interval"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &Value) -> Result<TokenResponse, String> {
        TokenResponse::read(body.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn only_tokens_and_their_lifetime_are_read() {
        for (expires_in, wanted) in [
            (json!(3599), Some(3599)),
            (json!("3599"), Some(3599)),
            (json!(3599.0), Some(3599)),
            (json!(-1), None),
            (json!("never"), None),
            (json!(u64::MAX), Some(u64::MAX / 2)),
            (json!(1e300), Some(u64::MAX / 2)),
            (Value::Null, None),
            (json!({"seconds": 1}), None),
        ] {
            let body = json!({"access_token": "a", "id_token": "i", "scope": ["openid"], "token_type": 1,
                "expires_in": expires_in});
            assert_eq!(read(&body).unwrap().expires_in, wanted, "{expires_in}");
        }
    }

    #[test]
    fn empty_token_is_no_token() {
        for (nothing, id_token) in [
            (json!(""), "token response: \"id_token\" is missing"),
            (Value::Null, "token response: \"id_token\" is missing"),
            (json!({"secret": "s3cret"}), "token response: \"id_token\" must be a text, and is an object"),
        ] {
            let tokens = read(&json!({"access_token": "a", "id_token": nothing, "refresh_token": nothing}));
            let tokens = tokens.unwrap();
            assert_eq!(
                (tokens.id_token.unwrap_err().to_string().as_str(), tokens.refresh_token),
                (id_token, None)
            );
            let tokens = read(&json!({"access_token": nothing, "id_token": "i"})).unwrap();
            assert_eq!((tokens.access_token.ok(), tokens.id_token), (None, Ok("i".to_owned())));
        }
        assert_eq!(
            read(&json!({"access_token": "", "id_token": ""})).err().unwrap(),
            "token response: \"access_token\" is missing"
        );
    }

    #[test]
    fn error_needs_only_its_code() {
        let read = |text: &str| ErrorResponse::read(text.as_bytes());
        let error = read(r#"{"error":"invalid_grant","error_description":["x"],"error_uri":1}"#).unwrap();
        assert_eq!((error.error.as_str(), error.description), ("invalid_grant", None));
        assert_eq!(read(r#"{"error":""}"#).unwrap().error, "");
        for body in
            ["<html>blocked", "", r#"{"message": "slow down"}"#, "[]", "null", r#"{"error":{"code":1}}"#]
        {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn device_code_has_a_default_lifetime() {
        let read = |body: Value| DeviceAuthorization::read(body.to_string().as_bytes());
        let least = json!({"device_code": "d", "user_code": "u", "verification_uri": "https://idp/device"});
        let code = read(least).unwrap();
        assert_eq!((code.expires_in, code.interval), (DEFAULT_DEVICE_CODE_SECONDS, None));
        let code =
            read(json!({"device_code": "d", "user_code": "u", "verification_url": "https://idp/device",
            "verification_uri_complete": "", "expires_in": "1800", "interval": "5.0"}));
        let code = code.unwrap();
        assert_eq!((code.expires_in, code.interval, code.verification_uri_complete), (1800, Some(5), None));
        let problem = read(json!({"device_code": 1})).err().unwrap().to_string();
        assert_eq!(
            problem,
            "device authorization response: \"device_code\" must be a text, and is another number"
        );
    }
}
