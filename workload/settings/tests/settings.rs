//! Settings as a person or a charm gives them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use secrecy::ExposeSecret as _;
use settings::{Capacity, Connector, Database, Listen, Management, RateLimits, Source, table};

fn source(variables: &[(&str, &str)]) -> Source {
    Source::from_variables(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
        .unwrap()
}

#[test]
fn the_defaults_are_the_contracts() {
    let database = Database::from(&source(&[])).unwrap();
    assert_eq!(
        (database.servers[0].host.as_str(), database.servers[0].port, database.user.as_str()),
        ("db-svc", 5432, "admin")
    );
    assert_eq!((database.name.as_str(), database.max_open, database.disable_tls), ("cm", 16, true));
    let listen = Listen::from(&source(&[])).unwrap();
    assert_eq!(listen.address.to_string(), "0.0.0.0:9000");
    assert_eq!(listen.status.unwrap().to_string(), "0.0.0.0:10000");
}

#[test]
fn a_database_host_can_name_its_port_and_further_hosts() {
    let servers = |host: &str, port: &str| {
        let database = Database::from(&source(&[("DB_HOST", host), ("DB_PORT", port)]));
        database
            .map(|database| database.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    for (host, port, wanted) in [
        ("db", "", "db:5432"),
        ("db", "5433", "db:5433"),
        // The existing program takes the port from here, and ignores DB_PORT.
        ("127.0.0.1:5433", "", "127.0.0.1:5433"),
        ("127.0.0.1:5433", "5434", "127.0.0.1:5433"),
        ("one, two:1,[::1]:2,[::1],fe80::1", "9", "one:9 two:1 [::1]:2 [::1]:9 [fe80::1]:9"),
        ("/var/run/postgresql", "", "/var/run/postgresql:5432"),
    ] {
        assert_eq!(servers(host, port).unwrap(), wanted, "{host} {port}");
    }
    for host in ["db:", "db:0", "db:65536", "db:x", "one,,two", ",", "[db]:1", "a b", "a:1:2"] {
        let line = servers(host, "").unwrap_err().to_string();
        assert!(line.starts_with("DB_HOST must be hosts separated by commas"), "{host}: {line}");
    }
}

#[test]
fn a_wrong_or_missing_value_is_one_line_that_names_the_variable() {
    for (variables, line) in [
        (&[("DB_PORT", "x")][..], "DB_PORT must be a port from 1 to 65535, not \"x\""),
        (&[("DB_PORT", "70000")], "DB_PORT must be a port from 1 to 65535, not \"70000\""),
        (&[("DB_DISABLE_TLS", "maybe")], "DB_DISABLE_TLS must be true or false, not \"maybe\""),
    ] {
        assert_eq!(Database::from(&source(variables)).unwrap_err().to_string(), line);
    }
    assert_eq!(
        Connector::from(&source(&[("CLUSTER_CONNECTOR_TLS_PATH", "/x")])).unwrap_err().to_string(),
        "CLUSTER_CONNECTOR_DOMAIN is not set; it must be a host name or an IP address"
    );
    assert!(RateLimits::from(&source(&[("RATE_LIMIT_REFILL_RATE", "NaN")])).is_err());
}

#[test]
fn a_wrong_identity_provider_or_domain_is_named_at_once() {
    let with = |name, value| {
        let needed =
            [("MANAGEMENT_API_TLS_PATH", "/x"), ("OIDC_ISSUER", "https://idp"), ("OIDC_CLIENT_ID", "x")];
        let mut variables = needed.to_vec();
        variables.retain(|(needed, _)| *needed != name);
        variables.push((name, value));
        Management::from(&source(&variables)).map_err(|error| error.to_string())
    };
    for issuer in [
        "https://idp.example.com",
        "https://idp/realms/x/",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:1",
    ] {
        assert_eq!(with("OIDC_ISSUER", issuer).unwrap().oidc_issuer, issuer);
    }
    for issuer in [
        "idp.example.com",
        "http://idp.example.com",
        "http://localhost.evil.example",
        "https://x?y",
        "https://x#y",
        "https://a@b",
        "ftp://localhost",
    ] {
        let line = format!(
            "OIDC_ISSUER must be an https URL without query or fragment; http on loopback only, not {issuer:?}"
        );
        assert_eq!(with("OIDC_ISSUER", issuer).unwrap_err(), line);
    }
    for (domain, read) in [
        ("hub.example.com", "hub.example.com"),
        ("Hub:8443", "hub:8443"),
        ("hub:443", "hub"),
        ("[::1]:9000", "[::1]:9000"),
    ] {
        assert_eq!(with("MANAGEMENT_API_DOMAIN", domain).unwrap().domain.as_deref(), Some(read));
    }
    for domain in
        ["https://hub.example.com", "hub/", "hub:x", "hub:99999", "a b", "user@hub", "hub/ui", "hub?x"]
    {
        let line = format!("MANAGEMENT_API_DOMAIN must be host or host:port, not {domain:?}");
        assert_eq!(with("MANAGEMENT_API_DOMAIN", domain).unwrap_err(), line);
    }
    assert!(with("SESSION_IDLE_SECONDS", "0").is_err());
}

#[test]
fn a_secret_can_come_as_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let source = source(&[("DB_PASSWORD_FILE", file.to_str().unwrap())]);
    let database = Database::from(&source).unwrap();
    assert_eq!(database.password.expose_secret(), "hunter2");
    assert!(!format!("{database:?}").contains("hunter2"));
}

#[test]
fn a_missing_secret_file_is_named() {
    let error =
        Database::from(&source(&[("DB_PASSWORD_FILE", "/nowhere/password")])).unwrap_err().to_string();
    assert_eq!(error, "DB_PASSWORD_FILE: /nowhere/password: No such file or directory (os error 2)");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, "db_host: from-file\ndb_port: 1\ndb_user: from-file\n").unwrap();
    let mut source =
        source(&[("CONFIG_FILE", file.to_str().unwrap()), ("DB_PORT", "2"), ("DB_USER", "from-environment")]);
    source.set(&table::DB_USER, "from-flag");
    let database = Database::from(&source).unwrap();
    assert_eq!(
        (database.servers[0].host.as_str(), database.servers[0].port, database.user.as_str()),
        ("from-file", 2, "from-flag")
    );
}

#[test]
fn a_misspelt_setting_in_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, "db_hots: x\n").unwrap();
    let error = Source::default().with_file(&file).err().unwrap().to_string();
    assert!(error.ends_with("there is no setting named db_hots"), "{error}");
}

#[test]
fn networks_are_read_with_and_without_their_length() {
    let trusted = |text| settings::typed::trusted_proxies(&source(&[("PROXY_TRUSTED", text)]));
    assert_eq!(trusted("10.0.0.0/8, ::1").unwrap().len(), 2);
    assert!(trusted("10.0.0.0/33").is_err());
}

/// `UPDATE_DOCS=1 cargo test -p settings` rewrites the page.
#[test]
fn the_reference_page_is_current() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/settings.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(page, table::to_markdown()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(page).unwrap_or_default(),
        table::to_markdown(),
        "run UPDATE_DOCS=1 cargo test -p settings"
    );
}

#[test]
fn the_audit_trail_is_kept_for_four_hundred_days_or_for_ever() {
    let days = |variables: &[(&str, &str)]| settings::typed::event_retention_days(&source(variables));
    assert_eq!(days(&[]), Ok(Some(400)));
    assert_eq!(days(&[("EVENT_RETENTION_DAYS", "0")]), Ok(None));
    assert!(days(&[("EVENT_RETENTION_DAYS", "-1")]).is_err());
}

#[test]
fn a_wrong_address_with_a_password_is_not_repeated() {
    let variables = [("PROMETHEUS_BASE_URL", "https://u:canary@a/w b:9090/w")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let source = settings::Source::from_variables(variables).unwrap();
    let Err(error) = settings::typed::Relay::from(&source) else { panic!("it is wrong") };
    assert!(error.to_string().starts_with("PROMETHEUS_BASE_URL must be "), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[test]
fn a_filter_of_logs_is_checked_where_it_is_set() {
    let read = |text: &str| settings::Log::from(&source(&[("LOG_LEVEL", text)])).map(|log| log.filter);
    for text in ["info", "WARN", "info,access=warn", "relay::sender=debug, off", "hyper[span{name=x}]=trace"]
    {
        assert_eq!(read(text).unwrap(), text);
    }
    for text in ["info,access=loud", "=info", "in fo", "info;warn"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn memory_limit_is_the_containers_unless_it_is_set() {
    let limit = |pairs| Capacity::from(&source(pairs)).map(|capacity| capacity.memory_limit);
    assert_eq!(limit(&[]), Ok(None));
    assert_eq!(limit(&[("MEMORY_LIMIT_MB", "0")]), Ok(Some(0)));
    assert_eq!(limit(&[("MEMORY_LIMIT_MB", "512")]), Ok(Some(512_000_000)));
    assert!(limit(&[("MEMORY_LIMIT_MB", "1")]).is_err(), "less than the program needs");
}
