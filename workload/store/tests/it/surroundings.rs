//! What else is in the database server, and its defaults, decide nothing.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};
use store::database::Server;
use store::testing::{empty_database, execute, scratch_folder, store as store_over, superuser, texts};
use store::{DatabaseOptions, Store, StoreError};

use crate::support::enrol;

/// How many pairs of units start at the same time under each isolation level: `STARTS`.
fn starts() -> u32 {
    std::env::var("STARTS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// The same server and database with another role.
fn as_role(options: &DatabaseOptions, role: &str) -> DatabaseOptions {
    DatabaseOptions { user: role.to_owned(), password: SecretString::from("secret"), ..options.clone() }
}

/// Creates a role that may create schemas in the database. Roles belong to the whole server: their names must be unique.
async fn create_role(options: &DatabaseOptions, role: &str) {
    let sql = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT ALL ON DATABASE {} TO {role}; GRANT ALL ON SCHEMA public TO {role}",
        options.name
    );
    execute(options, &sql).await.unwrap();
}

async fn refusal(options: &DatabaseOptions) -> String {
    match store_over(options).migrate().await {
        Err(StoreError::Schema(line)) => line,
        other => panic!("not refused at the start: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn units_that_start_together_all_start_under_every_isolation_level() {
    for level in ["read uncommitted", "read committed", "repeatable read", "serializable"] {
        for _ in 0..starts() {
            let options = empty_database().await.unwrap();
            let sql =
                format!("ALTER DATABASE {} SET default_transaction_isolation = '{level}'", options.name);
            execute(&options, &sql).await.unwrap();
            let units = [store_over(&options), store_over(&options)];
            let started =
                join_all(units.clone().map(|unit| tokio::spawn(async move { unit.migrate().await }))).await;
            let applied: Vec<_> =
                started.into_iter().map(|unit| unit.unwrap().unwrap().applied.is_empty()).collect();
            assert!(applied[0] != applied[1], "{level}: exactly one migrated");
            for unit in units {
                unit.ensure_current().await.unwrap();
                unit.fleet_snapshot().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn sessions_have_our_settings_whatever_the_defaults_are() {
    let options = empty_database().await.unwrap();
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "timezone = 'Asia/Kolkata'",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'sql_standard'",
        "standard_conforming_strings = off",
        "bytea_output = 'escape'",
        "statement_timeout = 900",
        "lock_timeout = 900",
        "idle_in_transaction_session_timeout = 900",
        "idle_session_timeout = 900",
        "transform_null_equals = on",
        "search_path = 'nowhere', 'public'",
    ] {
        execute(&options, &format!("ALTER DATABASE {} SET {setting}", options.name)).await.unwrap();
    }
    let store = store_over(&options);
    store.migrate().await.unwrap();
    enrol(&store, "a").await;
    let mut listening = store.listen().await.unwrap();
    // Longer than the limit for idle sessions.
    tokio::time::sleep(Duration::from_secs(1)).await;
    enrol(&store, "b").await;
    assert!(listening.next().await.is_some());
    let (_, clusters) = store.clusters().await.unwrap();
    assert_eq!(clusters.len(), 2);
}

#[tokio::test]
async fn tables_of_other_programs_in_another_schema_do_not_count() {
    for (role, other) in [
        ("hub_beside_migrate", "CREATE TABLE public.schema_migrations (version bigint, dirty boolean)"),
        (
            "hub_beside_goose",
            "CREATE TABLE public.goose_db_version (version_id bigint, is_applied boolean);
             INSERT INTO public.goose_db_version VALUES (20240101, true)",
        ),
        (
            "hub_beside_sessions",
            "CREATE TABLE public.sessions (id text); CREATE TABLE public.events (x text)",
        ),
    ] {
        let admin = superuser(&empty_database().await.unwrap());
        create_role(&admin, role).await;
        let sql = format!("{other}; CREATE SCHEMA {role} AUTHORIZATION {role}");
        execute(&admin, &sql).await.unwrap();
        let store = store_over(&as_role(&admin, role));
        assert_eq!(store.migrate().await.unwrap().taken_over, None, "{role}");
        enrol(&store, "a").await;
        let ours = "SELECT schemaname FROM pg_tables WHERE tablename = 'remote_clusters'";
        assert_eq!(texts(&admin, ours).await.unwrap(), [role]);
    }
}

#[tokio::test]
async fn two_hubs_in_two_schemas_of_a_database_do_not_see_each_other() {
    let owner = empty_database().await.unwrap();
    let admin = superuser(&owner);
    let first = store_over(&owner);
    first.migrate().await.unwrap();
    enrol(&first, "of the first").await;
    create_role(&admin, "second_hub").await;
    execute(&admin, "CREATE SCHEMA second_hub AUTHORIZATION second_hub").await.unwrap();
    let second = store_over(&as_role(&admin, "second_hub"));
    second.migrate().await.unwrap();
    assert!(second.clusters().await.unwrap().1.is_empty());
}

#[tokio::test]
async fn our_tables_are_found_when_a_schema_appears_before_theirs() {
    let options = empty_database().await.unwrap();
    let store = store_over(&options);
    store.migrate().await.unwrap();
    enrol(&store, "a").await;
    execute(&options, &format!("CREATE SCHEMA \"{}\"", options.user)).await.unwrap();
    let restarted = store_over(&options);
    assert_eq!(restarted.migrate().await.unwrap().applied.len(), 0);
    assert_eq!(restarted.clusters().await.unwrap().1.len(), 1);
}

#[tokio::test]
async fn database_that_can_never_be_used_is_refused_with_one_line() {
    let options = empty_database().await.unwrap();
    execute(&options, "CREATE TABLE schema_migrations (version bigint, dirty boolean)").await.unwrap();
    assert_eq!(
        refusal(&options).await,
        "the table public.schema_migrations belongs to another program: give the hub a schema or a database of its own"
    );

    let name = format!("{}_latin1", options.name);
    let sql = format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    execute(&options, &sql).await.unwrap();
    assert_eq!(
        refusal(&DatabaseOptions { name: name.clone(), ..options.clone() }).await,
        format!("the database {name:?} has the encoding LATIN1: create a database with the encoding UTF8")
    );

    let sql = format!("ALTER DATABASE {} SET search_path = 'nowhere'", options.name);
    execute(&options, &sql).await.unwrap();
    assert_eq!(
        refusal(&options).await,
        format!(
            "the search path of the role {:?} names no schema that exists and that it may use: create one",
            options.user
        )
    );
}

/// A running PgBouncer in front of the server; killed when dropped.
struct Pooler {
    process: Child,
    port: u16,
}

impl Pooler {
    /// `None` without the program.
    fn start(options: &DatabaseOptions, mode: &str) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())?;
        let folder = scratch_folder(&format!("pooler-{mode}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let (server, user, password) = (&options.servers[0], &options.user, options.password.expose_secret());
        let configuration = format!(
            "[databases]\n* = host={} port={} user={user} password={password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n",
            server.host, server.port
        );
        let path = folder.join("pgbouncer.ini");
        std::fs::write(&path, configuration).unwrap();
        let mut command = Command::new(program);
        // It refuses to run as root.
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "postgres"]);
        }
        let process = command.arg(path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { process, port };
        for _ in 0..500 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Some(pooler);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("PgBouncer does not listen");
    }

    fn options(&self, options: &DatabaseOptions) -> DatabaseOptions {
        let servers = vec![Server { host: Ipv4Addr::LOCALHOST.to_string(), port: self.port }];
        DatabaseOptions { servers, ..options.clone() }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pooler_that_shares_sessions_is_refused_and_one_that_does_not_works() {
    let options = empty_database().await.unwrap();
    for mode in ["transaction", "statement"] {
        let Some(pooler) = Pooler::start(&options, mode) else {
            println!("skipped: PgBouncer is not installed");
            return;
        };
        assert_eq!(
            refusal(&pooler.options(&options)).await,
            "the database is behind a connection pooler that shares sessions (transaction pooling): set the pooler to \
             session pooling, or connect to PostgreSQL directly",
            "{mode}"
        );
    }
    let pooler = Pooler::start(&options, "session").unwrap();
    let store: Store = store_over(&pooler.options(&options));
    store.migrate().await.unwrap();
    let mut listening = store.listen().await.unwrap();
    enrol(&store, "a").await;
    assert!(listening.next().await.is_some());
}
