//! URLs as relations carry them.

use serde::Deserialize;
use url::Url;

/// The URL in a JSON object `{"url": …}`, if it is one of the web.
pub fn url_in(json: &str) -> Option<Url> {
    #[derive(Deserialize)]
    struct Carrier {
        url: String,
    }
    web_url(&serde_json::from_str::<Carrier>(json).ok()?.url)
}

/// A URL, if it is one of the web.
pub fn web_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}
