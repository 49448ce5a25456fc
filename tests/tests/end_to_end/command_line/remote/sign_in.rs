//! How the command line finds a hub, trusts it and signs in to it.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use fleet::Role;
use harness::Hub;
use serde_json::{Value, json};

use super::Away;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_stored_privately_and_used_until_sign_out() {
    let away = Away::new().await;
    let token = away.token("laptop", Role::Operator);
    let signed_in = away.login(&token);
    assert_eq!((signed_in.code, signed_in.out.as_str()), (Some(0), ""), "{signed_in:?}");
    assert!(signed_in.err.contains("as laptop (operator)"), "{signed_in:?}");
    let file = std::fs::metadata(away.credentials()).unwrap();
    let folder = std::fs::metadata(away.credentials().parent().unwrap()).unwrap();
    assert_eq!((file.permissions().mode() & 0o777, folder.permissions().mode() & 0o777), (0o600, 0o700));

    let who = away.run(&[], "", &["whoami", "-o", "json"]);
    let who: Value = serde_json::from_str(&who.out).unwrap();
    assert_eq!(
        (&who["name"], &who["role"], &who["kind"]),
        (&json!("laptop"), &json!("operator"), &json!("service-account"))
    );
    assert!(away.run(&[], "", &["whoami"]).out.contains("operator"));
    assert_eq!(away.run(&[], "", &["token", "list"]).code, Some(0), "where was signed in to last is meant");

    assert_eq!(away.run(&[], "", &["logout"]).code, Some(0));
    assert!(!std::fs::read_to_string(away.credentials()).unwrap().contains("cmsa_"));
    let out = away.run(
        &[],
        "",
        &["--remote", &away.url(), "--ca-file", away.ca_file().to_str().unwrap(), "whoami"],
    );
    assert!(
        out.code == Some(1) && out.err.contains("you are not signed in") && out.err.contains(" login`"),
        "{out:?}"
    );
    assert_eq!(away.run(&[], "", &["--remote", &away.url(), "logout"]).code, Some(3));
    assert!(away.run(&[], "", &["whoami"]).err.contains("no hub is selected: add --remote https://HOST"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_others_can_read_are_not_used() {
    let away = Away::new().await;
    away.login(&away.token("laptop", Role::Viewer));
    std::fs::set_permissions(away.credentials(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = away.run(&[], "", &["whoami"]);
    assert!(refused.code == Some(1) && refused.err.contains("chmod 600"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_token_is_refused_before_it_is_stored() {
    let away = Away::new().await;
    let token = away.token("laptop", Role::Viewer);
    let half = away.login(&token[..30]);
    assert!(half.code == Some(2) && half.err.contains("copy all of it"), "{half:?}");
    let stranger = fleet::ServiceToken::from_random(&rand::random());
    let unknown = away.login(stranger.expose());
    assert!(unknown.code == Some(1) && unknown.err.contains("does not accept this token"), "{unknown:?}");
    assert!(!away.credentials().exists());
    let half = away.with_token(&token[..30], &["whoami"]);
    assert!(half.code == Some(2) && half.err.contains("CLUSTER_MANAGER_TOKEN"), "{half:?}");
    assert!(!format!("{half:?}").contains(&token[5..30]));
}

/// Without an identity provider, `login` asks for a token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_device_sign_in_a_token_is_requested() {
    let away = Away::new().await;
    let ca_file = away.ca_file();
    let login =
        away.run(&[], "", &["--remote", &away.url(), "--ca-file", ca_file.to_str().unwrap(), "login"]);
    assert!(login.code == Some(2) && login.err.contains("login --token-stdin"), "{login:?}");
}

/// script(1) gives the program a terminal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typed_token_is_not_shown() {
    let away = Away::new().await;
    let token = away.token("laptop", Role::Viewer);
    let program = harness::programs::path("cluster-manager");
    let (url, ca_file) = (away.url(), away.ca_file());
    let line = format!("{} --remote {url} --ca-file {} login", program.display(), ca_file.display());
    let mut terminal = std::process::Command::new("script");
    terminal.env("XDG_CONFIG_HOME", away.home.path()).env_remove("CLUSTER_MANAGER_TOKEN");
    terminal.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = terminal.spawn().unwrap();
    let mut said = Vec::new();
    let mut out = child.stdout.take().unwrap();
    while !said.ends_with(b"Token: ") {
        let mut byte = [0];
        out.read_exact(&mut byte).unwrap();
        said.extend(byte);
    }
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(format!("{token}\r").as_bytes()).unwrap();
    out.read_to_end(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("as laptop (viewer)") && !said.contains(&token), "{said}");
    assert_eq!(away.run(&[], "", &["whoami"]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn untrusted_and_unreachable_hub_are_distinguished() {
    let away = Away::new().await;
    let token = away.token("ci", Role::Viewer);
    let url = away.url();
    let certificate = std::fs::read(away.ca_file()).unwrap();
    let leaf =
        protocol::Certificate::from_pem(std::str::from_utf8(&certificate).unwrap()).unwrap().fingerprint;
    let with = |arguments: &[&str]| away.run(&[("CLUSTER_MANAGER_TOKEN", &token)], "", arguments);

    let untrusted = with(&["--remote", &url, "whoami"]);
    let says = |text: &str| {
        assert!(untrusted.code == Some(1) && untrusted.err.contains(text), "{text}: {untrusted:?}");
    };
    says("is not trusted");
    says(&leaf.to_string());
    says("--ca-file FILE");
    says("--fingerprint");
    let capitals = leaf.to_string().to_uppercase();
    let colons: Vec<_> = capitals.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap()).collect();
    assert_eq!(with(&["--remote", &url, "--fingerprint", &colons.join(":"), "whoami"]).code, Some(0));
    let other = "0".repeat(64);
    let changed = with(&["--remote", &url, "--fingerprint", &other, "whoami"]);
    assert!(
        changed.code == Some(1) && changed.err.contains(&format!("but {other} is trusted")),
        "{changed:?}"
    );
    assert_eq!(with(&["--remote", &url, "--fingerprint", "x", "whoami"]).code, Some(2));
    let empty = away.home.path().join("empty.crt");
    std::fs::write(&empty, "").unwrap();
    let empty = with(&["--remote", &url, "--ca-file", empty.to_str().unwrap(), "whoami"]);
    assert!(empty.code == Some(2) && empty.err.contains("contains no certificate"), "{empty:?}");

    let nowhere = format!("https://localhost:{}", harness::hub::free_port());
    let away_hub = with(&["--remote", &nowhere, "whoami"]);
    assert!(away_hub.code == Some(5) && away_hub.err.contains("refused"), "{away_hub:?}");
    for (address, problem) in
        [("hub.example.com", "https://hub.example.com"), ("http://hub.example.com", "unencrypted")]
    {
        let wrong = with(&["--remote", address, "whoami"]);
        assert!(wrong.code == Some(2) && wrong.err.contains(problem), "{wrong:?}");
        let wrong = away.run(&[("CLUSTER_MANAGER_REMOTE", address)], "", &["whoami"]);
        assert!(wrong.code == Some(2) && wrong.err.contains("CLUSTER_MANAGER_REMOTE"), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configured_database_takes_precedence_over_stored_hub() {
    let away = Away::new().await;
    away.login(&away.token("laptop", Role::Viewer));
    let other = Hub::without_units(store::testing::empty_database().await.unwrap(), &[]);
    let home = away.home.path().to_str().unwrap().to_owned();
    let mut variables = other.variables().to_vec();
    variables.push(("XDG_CONFIG_HOME".to_owned(), home));
    let ended = harness::process::run("cluster-manager", &variables, ["cluster", "list"]);
    assert!(ended.err.contains("schema is older than this program"), "it asked the database: {ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_for_this_machine_do_not_work_over_the_api() {
    let away = Away::new().await;
    for command in ["migrate", "serve", "local"] {
        let refused = away.run(&[], "", &["--remote", "https://hub", command]);
        assert!(refused.code == Some(2) && refused.err.contains("does not work over the API"), "{refused:?}");
    }
}
