//! `deploy/postgresql/audit-trail-roles.sql`: with it, units can add and seal events, and nothing else.

use std::path::Path;
use std::process::Command;

use secrecy::ExposeSecret as _;
use store::DatabaseOptions;
use store::database::{Durability, LocalPostgres, create_database};
use store::events::VerifyOptions;
use store::testing::{execute, scratch_folder, store};
use time::Duration;

use crate::support::token_for;

fn run_file(superuser: &DatabaseOptions) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/postgresql/audit-trail-roles.sql");
    let (host, port) = superuser.host_and_port();
    let output = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--set", "units=cluster_manager", "--set", "ON_ERROR_STOP=1"])
        .args(["--host", &host, "--port", &port])
        .args(["--username", &superuser.user, "--file"])
        .arg(file)
        .arg(&superuser.name)
        .env("PGPASSWORD", superuser.password.expose_secret())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn units_can_add_and_seal_events_but_neither_change_nor_remove_them() {
    let folder = scratch_folder("audit-trail-roles");
    let postgres = LocalPostgres::start(&folder, None, Durability::None).unwrap();
    create_database(&postgres.options("postgres"), "hub").await.unwrap();
    let options = postgres.options("hub");
    let store = store(&options);
    store.migrate().await.unwrap();
    token_for(&store, "before", Duration::HOUR).await;
    // It can be run again after an upgrade.
    for _ in 0..2 {
        run_file(&postgres.superuser_options("hub").unwrap());
    }
    token_for(&store, "after", Duration::HOUR).await;
    assert_eq!(store.seal_events().await.unwrap().rows, 2);
    let found = store.verify_events(&VerifyOptions::default()).await.unwrap();
    assert_eq!((found.rows, found.fault), (2, None));
    store.migrate().await.unwrap();
    for forbidden in [
        "UPDATE events SET actor_name = 'mallory'",
        "UPDATE events SET seal = sha256('x') WHERE sequence = 1",
        "INSERT INTO events (action, actor_kind, actor_id, actor_name, sequence, seal, seal_key)
         VALUES ('a', 'hub', '', '', 9, sha256('x'), '\\x00000000')",
        "DELETE FROM events",
        "TRUNCATE events",
        "DROP TABLE events",
        "DELETE FROM event_heads",
        "INSERT INTO event_checkpoints SELECT sequence, seal, now(), seal, seal_key FROM events",
        "ALTER TABLE events DISABLE TRIGGER events_seal_once",
        "ALTER TABLE events OWNER TO cluster_manager",
        "DROP SCHEMA public CASCADE",
        "SET ROLE cluster_manager_audit",
    ] {
        assert!(execute(&options, forbidden).await.is_err(), "{forbidden}");
    }
    assert_eq!(store.verify_events(&VerifyOptions::default()).await.unwrap().fault, None);
    drop(postgres);
    std::fs::remove_dir_all(&folder).unwrap();
}
