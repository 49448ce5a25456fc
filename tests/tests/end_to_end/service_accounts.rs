//! Service accounts over a real listener: created, used, refused, revoked; their tokens are in one response only.

use std::time::Duration;

use fleet::Role;
use harness::process::{self, Program, command};
use harness::{Api, Hub, ManagementUnit};
use serde_json::{Value, json};
use store::testing::{execute, texts};

const PATH: &str = "/1.0/service-account";

struct Setting {
    hub: Hub,
    unit: ManagementUnit,
    admin: Api,
}

impl Setting {
    async fn new() -> Self {
        let hub = Hub::start_unlimited().await;
        let unit = ManagementUnit::start(&hub).await;
        let admin = unit.as_role(&hub, Role::Admin).await;
        Self { hub, unit, admin }
    }

    /// Creates an account over the API. Returns its token.
    async fn create(&self, body: Value) -> String {
        let reply = self.admin.send_json("POST", PATH, body).await;
        reply.metadata()["token"].as_str().unwrap().to_owned()
    }

    async fn status(&self, unit: &ManagementUnit, authorization: &str, path: &str) -> u16 {
        let request = unit.anybody(&self.hub).request("GET", path).header("authorization", authorization);
        request.send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn account_is_created_used_and_revoked_on_every_unit_at_once() {
    let setting = Setting::new().await;
    let other = ManagementUnit::start(&setting.hub).await;
    let token = setting.create(json!({ "name": "ci/deploy", "role": "viewer", "description": "x" })).await;
    let bearer = format!("Bearer {token}");
    for unit in [&setting.unit, &other] {
        assert_eq!(setting.status(unit, &bearer, "/1.0").await, 200);
        assert_eq!(setting.status(unit, &bearer, PATH).await, 403, "a viewer sees no service accounts");
    }
    let revoked = setting.admin.send("DELETE", "/1.0/service-account/ci%2Fdeploy").await;
    assert_eq!((revoked.status, revoked.metadata()), (200, &Value::Null));
    for unit in [&other, &setting.unit] {
        assert_eq!(setting.status(unit, &bearer, "/1.0").await, 401);
    }
    assert_eq!(setting.admin.send("DELETE", "/1.0/service-account/ci%2Fdeploy").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_a_revoked_account_end_at_once_on_every_unit() {
    let setting = Setting::new().await;
    let other = ManagementUnit::start(&setting.hub).await;
    let token = setting.create(json!({ "name": "ci", "role": "viewer" })).await;
    let kept = setting.create(json!({ "name": "kept", "role": "viewer" })).await;
    let follow = async |unit: &ManagementUnit, token: &str| {
        let request = unit.anybody(&setting.hub).request("GET", "/1.0/changes").bearer_auth(token);
        let mut stream = request.send().await.unwrap();
        assert!(stream.chunk().await.unwrap().is_some(), "it begins");
        stream
    };
    let mut kept = follow(&other, &kept).await;
    let mut streams = Vec::new();
    for unit in [&setting.unit, &other] {
        streams.push(follow(unit, &token).await);
    }
    assert_eq!(setting.admin.send("DELETE", "/1.0/service-account/ci").await.status, 200);
    let ended = std::time::Instant::now();
    for mut stream in streams {
        let rest = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(Duration::from_secs(2), rest).await.expect("it ends");
    }
    assert!(ended.elapsed() < Duration::from_secs(2), "{:?}", ended.elapsed());
    let more = tokio::time::timeout(Duration::from_millis(500), kept.chunk()).await;
    assert!(!matches!(more, Ok(Ok(None))), "another account's stream goes on");
}

#[tokio::test]
async fn calls_of_an_account_are_recorded_as_its_own() {
    let setting = Setting::new().await;
    let token = setting.create(json!({ "name": "ci", "role": "admin" })).await;
    let as_ci = async |method: &str, path: &str, body: Option<Value>| {
        let request = setting.unit.anybody(&setting.hub).request(method, path).bearer_auth(&token);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        harness::management::ApiResponse::read(request).await
    };
    let who = as_ci("GET", "/1.0", None).await;
    assert_eq!(
        who.metadata(),
        &json!({ "email": "", "name": "ci", "groups": [], "trusted": true, "role": "admin", "kind": "service-account" })
    );
    as_ci("POST", PATH, Some(json!({ "name": "next", "role": "viewer" }))).await.metadata();
    let sql = "SELECT concat_ws(' ', action, actor_kind, actor_id, subject, host(address), request_id <> '')
        FROM events WHERE subject = 'next'";
    let recorded = texts(&setting.hub.database, sql).await.unwrap();
    assert_eq!(recorded, ["service-account.created service-account ci next 127.0.0.1 t"]);
    let listed = as_ci("GET", PATH, None).await;
    let next = listed.metadata().as_array().unwrap().iter().find(|one| one["name"] == "next").unwrap();
    assert_eq!((&next["created_by"], &next["role"]), (&json!("ci"), &json!("viewer")));
}

#[tokio::test]
async fn invalid_account_is_refused_with_the_reason() {
    let setting = Setting::new().await;
    setting.create(json!({ "name": "ci", "role": "viewer" })).await;
    let cases = [
        (json!({ "name": "ci", "role": "viewer" }), 409, "there is already a service account named \"ci\""),
        (json!({ "name": "", "role": "viewer" }), 400, "1 to 255 characters"),
        (json!({ "name": "a\nb", "role": "viewer" }), 400, "1 to 255 characters"),
        (json!({ "role": "viewer" }), 400, "missing field `name`"),
        (json!({ "name": "x" }), 400, "missing field `role`"),
        (json!({ "name": "x", "role": "root" }), 400, "unknown variant `root`"),
        (json!({ "name": "x", "role": "viewer", "expiry": "2001-01-01T00:00:00Z" }), 400, "is in the past"),
        (json!({ "name": "x", "role": "viewer", "expiry": "2999-01-01T00:00:00Z" }), 400, "five years"),
        (
            json!({ "name": "x", "role": "viewer", "description": "\0" }),
            400,
            "cannot contain control characters",
        ),
    ];
    for (body, status, problem) in cases {
        let reply = setting.admin.send_json("POST", PATH, body.clone()).await;
        let (got, error) = reply.error();
        assert!(got == status && error.contains(problem), "{body}: {got} {error}");
    }
    for expiry in [Value::Null, json!("0001-01-01T00:00:00Z")] {
        let name = format!("for ninety days {expiry}");
        let body = json!({ "name": name, "role": "viewer", "expiry": expiry });
        let made = setting.admin.send_json("POST", PATH, body).await;
        let expiry = made.metadata()["expiry"].as_str().unwrap().to_owned();
        let format = &time::format_description::well_known::Rfc3339;
        let left = time::OffsetDateTime::parse(&expiry, format).unwrap() - time::OffsetDateTime::now_utc();
        assert!((89..=90).contains(&left.whole_days()), "{left}");
    }
}

#[tokio::test]
async fn only_a_complete_valid_token_authenticates() {
    let setting = Setting::new().await;
    let token = setting.create(json!({ "name": "ci", "role": "admin" })).await;
    let stranger = fleet::ServiceToken::from_random(&rand::random());
    for authorization in [
        format!("Bearer {}", stranger.expose()),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {token}x"),
        format!("Basic {token}"),
        format!("Bearer x{token}"),
        token.clone(),
        "Bearer".to_owned(),
        String::new(),
    ] {
        assert_eq!(setting.status(&setting.unit, &authorization, "/1.0").await, 401, "{authorization:?}");
    }
    let twice = setting.unit.anybody(&setting.hub).request("GET", "/1.0").bearer_auth(&token);
    let twice = twice.header("authorization", format!("Bearer {}", stranger.expose()));
    assert_eq!(twice.send().await.unwrap().status().as_u16(), 401, "one header, or nobody");
    let expire = "UPDATE service_accounts SET expiry = now() WHERE name = 'ci'";
    execute(&setting.hub.database, expire).await.unwrap();
    assert_eq!(
        setting.status(&setting.unit, &format!("Bearer {token}"), "/1.0").await,
        401,
        "it has expired"
    );
}

#[tokio::test]
async fn command_line_creates_the_first_account_without_sign_in() {
    let setting = Setting::new().await;
    let made = setting.hub.cli(["service-account", "create", "first", "--role", "admin", "--expire", "7d"]);
    assert_eq!((made.code, made.out.lines().count(), made.err.as_str()), (Some(0), 1, ""), "{made:?}");
    let bearer = format!("Bearer {}", made.out.trim());
    assert_eq!(setting.status(&setting.unit, &bearer, PATH).await, 200);
    let listed = setting.hub.cli(["service-account", "list", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    let first = listed.as_array().unwrap().iter().find(|one| one["name"] == "first").unwrap();
    assert_eq!((&first["role"], first.get("token")), (&json!("admin"), None));
    assert!(setting.hub.cli(["service-account", "list"]).out.contains("first"));
    let cases: &[(&[&str], i32, &str)] = &[
        (
            &["service-account", "create", "first", "--role", "viewer"],
            4,
            "there is already a service account named \"first\"",
        ),
        (&["service-account", "create", "x", "--role", "root"], 2, "expected viewer, operator or admin"),
        (&["service-account", "create", "x"], 2, "--role"),
        (&["service-account", "create", "", "--role", "viewer"], 2, "1 to 255 characters"),
        (
            &["service-account", "create", "x", "--role", "viewer", "-e", "2001-01-01T00:00:00Z"],
            2,
            "in the past",
        ),
        (&["service-account", "create", "x", "--role", "viewer", "-e", "20y"], 2, "five years"),
        (&["service-account", "revoke", "nobody"], 3, "there is no service account named \"nobody\""),
        (&["service-account", "revoke", "first"], 0, ""),
    ];
    for (arguments, code, text) in cases {
        let ended = process::run("cluster-manager", setting.hub.variables(), *arguments);
        assert!(ended.code == Some(*code) && ended.err.contains(text), "{arguments:?}: {ended:?}");
    }
    assert_eq!(setting.status(&setting.unit, &bearer, PATH).await, 401);
}

/// The program as it runs in production, with its whole log; the database as a dump shows it.
#[tokio::test]
async fn token_is_in_no_dump_no_log_and_no_second_response() {
    let setting = Setting::new().await;
    let mut variables = setting.hub.variables().to_vec();
    variables.push(("LOG_LEVEL".to_owned(), "trace".to_owned()));
    let port = harness::hub::free_port();
    let mut command = command("cluster-manager", &variables);
    command.args(["serve", "--management-listen", &format!("127.0.0.1:{port}")]);
    let mut program = Program::start(command);
    program.prints("ready").await;
    let (api, anybody) = (setting.admin.at(port), setting.unit.anybody(&setting.hub).at(port));
    let made = api.send_json("POST", PATH, json!({ "name": "canary", "role": "admin" })).await;
    let token = made.metadata()["token"].as_str().unwrap().to_owned();
    let mut answers = Vec::new();
    for path in ["/1.0", PATH, "/1.0/configuration", "/1.0/nothing"] {
        let as_canary = anybody.request("GET", path).bearer_auth(&token);
        answers.push(as_canary.send().await.unwrap().text().await.unwrap());
        answers.push(api.get(path).await.text);
    }
    answers.push(api.send_json("POST", PATH, json!({ "name": "canary", "role": "admin" })).await.text);
    let said = program.kill();
    assert!(said.contains(PATH), "the log is there: {said}");
    let tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'";
    let mut dump = Vec::new();
    for table in texts(&setting.hub.database, tables).await.unwrap() {
        let sql = format!("SELECT row_to_json(t)::text FROM {table} AS t");
        dump.extend(texts(&setting.hub.database, &sql).await.unwrap());
    }
    assert!(dump.iter().any(|row| row.contains("canary")), "the dump is one");
    let secret = token.strip_prefix("cmsa_").unwrap();
    for text in answers.iter().chain(&dump).chain([&said]) {
        assert!(!text.contains(secret), "{text}");
    }
}
