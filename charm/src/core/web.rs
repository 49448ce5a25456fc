//! URLs in the data of relations.

use serde::Deserialize;
use url::Url;

/// The URL in a JSON object `{"url": …}`, if its scheme is `http` or `https`.
pub fn url_in(json: &str) -> Option<Url> {
    #[derive(Deserialize)]
    struct UrlObject {
        url: String,
    }
    web_url(&serde_json::from_str::<UrlObject>(json).ok()?.url)
}

/// Parses a URL whose scheme is `http` or `https`.
pub fn web_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}
