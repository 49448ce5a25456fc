//! The hub's own names: the public address, to which the provider sends people back, and whether a request is meant for
//! the hub at all.

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

/// Whether a request on a connection that clients may share between hosts is meant for this hub.
///
/// Browsers send requests for another host on an open connection if the certificate covers that host too, for example by
/// an asterisk, and its address is the same. So a name that is covered counts only if the connection was opened for it,
/// unless it is the configured name, or nothing is configured and the certificate spells it out. Addresses and `localhost`
/// are no names that several servers share.
pub(crate) fn is_own(
    configured: Option<&str>,
    names: &[String],
    host: &str,
    opened_for: Option<&str>,
) -> bool {
    let host = without_port(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_host = |name: &str| without_port(name).eq_ignore_ascii_case(host);
    let is_spelt_out = || configured.is_none() && names.iter().any(|name| name.eq_ignore_ascii_case(host));
    let is_covered = || opened_for.is_none_or(is_host) && names.iter().any(|name| covers(name, host));
    configured.is_some_and(is_host) || is_unshared(host) || is_spelt_out() || is_covered()
}

fn is_unshared(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
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
    fn names_and_addresses_of_the_hub_are_its_own() {
        let names = ["hub.example.com", "*.site.example", "192.0.2.1"].map(str::to_owned);
        let is_own = |host: &str, opened_for| is_own(None, &names, host, opened_for);
        for host in
            ["hub.example.com", "HUB.example.com:8443", "hub.example.com.", "10.1.2.3:9000", "[::1]:9000"]
        {
            assert!(is_own(host, None), "{host}");
            assert!(is_own(host, Some("other.example")), "{host}");
        }
        assert!(is_own("localhost:9000", Some("localhost")));
        assert!(is_own("a.site.example", Some("a.site.example")));
        // The connection was opened for another host that the asterisk covers.
        assert!(!is_own("b.site.example", Some("a.site.example")));
        for foreign in
            ["grafana.example.com", "hub.example.com.evil.example", "hub.example.com@evil.example", ""]
        {
            for opened_for in [None, Some(foreign), Some("hub.example.com")] {
                assert!(!is_own(foreign, opened_for), "{foreign:?} {opened_for:?}");
            }
        }
    }

    #[test]
    fn configured_name_is_own_and_others_of_its_certificate_only_on_their_own_connections() {
        let names = ["hub.example.com", "grafana.example.com", "*.site.example"].map(str::to_owned);
        let is_own = |host: &str, opened_for| is_own(Some("hub.example.com:444"), &names, host, opened_for);
        assert!(is_own("hub.example.com", Some("grafana.example.com")));
        assert!(is_own("hub.example.com:444", None));
        for shared in ["grafana.example.com", "grafana.site.example"] {
            assert!(!is_own(shared, Some("hub.example.com")), "{shared}");
            assert!(is_own(shared, Some(shared)), "{shared}");
        }
        assert!(!is_own("grafana.example", Some("grafana.example")));
    }

    #[test]
    fn configured_domain_wins() {
        let configured = origin(Some("hub.example.com:444"), Some("evil.example"), &[]);
        assert_eq!(configured.unwrap(), "https://hub.example.com:444");
    }
}
