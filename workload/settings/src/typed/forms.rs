//! The forms of values that are more than a number or a text.

use url::{Host, Url};

/// Whether every part of a filter is a level, a module, or a module with its level.
pub(super) fn is_filter(text: &str) -> bool {
    let is_level = |word: &str| {
        ["off", "error", "warn", "info", "debug", "trace"]
            .iter()
            .any(|level| word.eq_ignore_ascii_case(level))
    };
    let is_part = |word: &str| {
        let mut letters = word.bytes();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || b"_:-".contains(&letter))
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).all(|part| match part.split_once('=') {
        // Filters of spans are checked when logging starts.
        _ if part.contains('[') => true,
        Some((part, level)) => is_part(part) && is_level(level),
        None => is_level(part) || is_part(part),
    })
}

pub(super) fn sinks(text: &str) -> Option<Vec<Url>> {
    let sink = |text: &str| Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    text.split_whitespace().map(sink).collect()
}

/// Checks an issuer. It is kept unchanged, since providers compare it letter by letter.
pub(super) fn issuer(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_on_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_on_loopback);
    let is_bare = url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    (is_safe && is_bare && is_anonymous).then(|| text.to_owned())
}

pub(super) fn host_and_port(text: &str) -> Option<String> {
    let url = Url::parse(&format!("https://{text}/")).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    // The parser accepts more than a host and a port: compare its normal form with the text.
    let written = format!("{}{port}", url.host_str()?);
    let without_default = text.strip_suffix(":443").unwrap_or(text);
    written.eq_ignore_ascii_case(without_default).then_some(written)
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "t" | "yes" => Some(true),
        "false" | "0" | "f" | "no" => Some(false),
        _ => None,
    }
}
