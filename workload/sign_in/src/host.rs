//! The public address of the hub, to which the provider sends people back.

use std::net::IpAddr;

use edge::Error;

/// The hub's origin, such as `https://hub.example.com:8443`. It is the configured one, or the request's `Host` if the
/// certificate covers it. No other header is trusted: an attacker who sets it could receive the sign-ins of others.
pub(crate) fn origin(
    configured: Option<&str>,
    host: Option<&str>,
    names: &[String],
) -> Result<String, Error> {
    if let Some(configured) = configured {
        return Ok(format!("https://{configured}"));
    }
    let host = host.ok_or_else(|| Error::BadRequest("the request has no host".to_owned()))?;
    if names.iter().any(|name| covers(name, without_port(host))) {
        return Ok(format!("https://{}", host.to_ascii_lowercase()));
    }
    Err(Error::BadRequest(
        "the certificate of this hub does not cover the host name in the address; use a name that it covers, or set \
         MANAGEMENT_API_DOMAIN"
            .to_owned(),
    ))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a name of the certificate covers this host. An asterisk matches one label.
fn covers(name: &str, host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let (Ok(name), Ok(host)) = (name.parse::<IpAddr>(), bare.parse::<IpAddr>()) {
        return name == host;
    }
    let matches_wildcard = || {
        let parent = name.strip_prefix("*.")?;
        let (label, rest) = host.split_once('.')?;
        Some(!label.is_empty() && rest.eq_ignore_ascii_case(parent))
    };
    name.eq_ignore_ascii_case(host) || matches_wildcard() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_host(host: &str) -> Option<String> {
        let names = ["hub.example.com", "*.site.example", "192.0.2.1", "::1"].map(str::to_owned);
        origin(None, Some(host), &names).ok()
    }

    #[test]
    fn only_names_of_the_certificate_are_accepted() {
        assert_eq!(by_host("hub.example.com").as_deref(), Some("https://hub.example.com"));
        assert_eq!(by_host("HUB.example.com:8443").as_deref(), Some("https://hub.example.com:8443"));
        assert_eq!(by_host("a.site.example").as_deref(), Some("https://a.site.example"));
        assert_eq!(by_host("192.0.2.1:9000").as_deref(), Some("https://192.0.2.1:9000"));
        assert_eq!(by_host("[::1]:9000").as_deref(), Some("https://[::1]:9000"));
        for foreign in [
            "evil.example",
            "hub.example.com.evil.example",
            "a.b.site.example",
            ".site.example",
            "site.example",
            "hub.example.com@evil.example",
            "hub.example.com:evil",
            "192.0.2.10",
            "",
        ] {
            assert_eq!(by_host(foreign), None, "{foreign:?}");
        }
        assert!(origin(None, None, &[]).is_err());
    }

    #[test]
    fn configured_domain_wins() {
        let configured = origin(Some("hub.example.com:444"), Some("evil.example"), &[]);
        assert_eq!(configured.unwrap(), "https://hub.example.com:444");
    }
}
