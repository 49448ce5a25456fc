//! Opening connections: to the server that takes writes, with all session settings that this program relies on.
//!
//! Defaults of the server, the database or the role decide nothing: see [`SESSION`].

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, select_ok};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::DatabaseOptions;
use crate::database::options::{InvalidCa, LOCK_TIMEOUT, STATEMENT_TIMEOUT, Server};

/// How long an attempt to connect has before the next server, or the next address of a name, is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);

/// The first statements of every session. They are statements because connection poolers refuse start-up options.
///
/// The search path becomes the one schema that holds our tables, so that tables of the same name elsewhere do not
/// count: the first schema of the role's search path that has a table `remote_clusters` that the role may write, or
/// where there is none the schema in which the role would create it. `default_transaction_read_only` stays as it is:
/// it is how an old primary is fenced off. So does `synchronous_commit`, which belongs to the server's operator.
static SESSION: LazyLock<String> = LazyLock::new(|| {
    let (statement, lock) = (STATEMENT_TIMEOUT.as_millis(), LOCK_TIMEOUT.as_millis());
    format!(
        "SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off; \
         SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {statement}; \
         SET TIME ZONE 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; \
         SET standard_conforming_strings = on; SET bytea_output = 'hex'; SET transform_null_equals = off; \
         SET client_encoding = 'UTF8'; SET row_security = on; SET jit = off; \
         SELECT set_config(name, '0', false) FROM pg_settings \
             WHERE name IN ('idle_session_timeout', 'transaction_timeout'); \
         SELECT set_config('search_path', quote_ident(schema) || ', pg_temp', false) FROM (SELECT coalesce(( \
             SELECT path.name FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (name, place) \
                 JOIN pg_namespace AS n ON n.nspname = path.name \
                 JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'remote_clusters' \
             WHERE has_table_privilege(c.oid, 'INSERT') ORDER BY path.place LIMIT 1), \
             current_schema()) AS schema) AS ours WHERE schema IS NOT NULL"
    )
});

/// A session, and the task that runs its connection until the client is dropped.
pub(crate) type Opened = (Client, JoinHandle<()>);

/// Opens sessions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connector {
    options: Arc<DatabaseOptions>,
    tls: Option<MakeRustlsConnect>,
    /// The place of the server that last took writes.
    preferred: Arc<AtomicUsize>,
}

impl Connector {
    pub(crate) fn new(options: Arc<DatabaseOptions>) -> Result<Self, InvalidCa> {
        let tls = options.tls_client()?.map(MakeRustlsConnect::new);
        Ok(Self { options, tls, preferred: Arc::default() })
    }

    /// How long opening a session can take longer with several servers than with one.
    pub(crate) fn head_starts(&self) -> Duration {
        HEAD_START * u32::try_from(self.options.servers.len()).unwrap_or(u32::MAX)
    }

    /// Opens a session on the first server that responds and takes writes, the one that last did so first.
    pub(crate) async fn open(&self) -> Result<Opened, Error> {
        self.open_with(None).await
    }

    /// The same with a receiver of the notifications' payloads.
    pub(crate) async fn open_with(&self, notified: Option<mpsc::Sender<String>>) -> Result<Opened, Error> {
        let servers = &self.options.servers;
        let preferred = self.preferred.load(Ordering::Relaxed);
        let mut places: Vec<usize> = (0..servers.len()).collect();
        places.sort_by_key(|place| *place != preferred);
        let attempts = places.into_iter().map(|place| {
            let notified = notified.clone();
            async move { Ok((place, self.open_server(&servers[place], notified).await?)) }.boxed()
        });
        let (place, opened) = first_success(attempts.collect()).await?;
        if self.preferred.swap(place, Ordering::Relaxed) != place {
            tracing::info!(server = %servers[place], "using another database server");
        }
        Ok(opened)
    }

    /// Tries all addresses of a server: a name can stand for a primary and its standbys.
    async fn open_server(
        &self,
        server: &Server,
        notified: Option<mpsc::Sender<String>>,
    ) -> Result<Opened, Error> {
        let mut base = self.options.to_config();
        base.host(&server.host).port(server.port);
        let is_socket = server.host.starts_with('/');
        let found: Vec<SocketAddr> = match is_socket {
            true => Vec::new(),
            // If it fails, connecting by the name fails too, and says why.
            false => match tokio::net::lookup_host((&*server.host, server.port)).await {
                Ok(found) => found.collect(),
                Err(_) => Vec::new(),
            },
        };
        let mut configs: Vec<Config> = found
            .iter()
            .map(|address| {
                let mut config = base.clone();
                config.hostaddr(address.ip());
                config
            })
            .collect();
        if configs.is_empty() {
            configs.push(base);
        }
        let attempts = configs.into_iter().map(|config| self.open_address(config, notified.clone()).boxed());
        let opened = first_success(attempts.collect()).await;
        if let Err(error) = &opened {
            tracing::debug!(%server, %error, "cannot use this database server");
        }
        opened
    }

    async fn open_address(
        &self,
        config: Config,
        notified: Option<mpsc::Sender<String>>,
    ) -> Result<Opened, Error> {
        match &self.tls {
            None => open_over(&config, NoTls, notified).await,
            Some(tls) => open_over(&config, tls.clone(), notified).await,
        }
    }
}

impl deadpool_postgres::Connect for Connector {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<Opened, Error>> {
        self.open().boxed()
    }
}

/// The first success of at least one attempt, each of which gives the one before a head start. If all fail, one of
/// their errors.
async fn first_success<T>(attempts: Vec<BoxFuture<'_, Result<T, Error>>>) -> Result<T, Error> {
    let delayed = attempts.into_iter().zip(0_u32..).map(|(attempt, place)| {
        async move {
            sleep(HEAD_START * place).await;
            attempt.await
        }
        .boxed()
    });
    select_ok(delayed).await.map(|(success, _)| success)
}

async fn open_over<T>(
    config: &Config,
    tls: T,
    notified: Option<mpsc::Sender<String>>,
) -> Result<Opened, Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    let task = tokio::spawn(run(connection, notified));
    client.batch_execute(&format!("-- open()\n{}", *SESSION)).await?;
    Ok((client, task))
}

/// Runs a connection until it ends, and hands on the notifications that it receives.
async fn run<S, T>(mut connection: Connection<S, T>, notified: Option<mpsc::Sender<String>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let message = {
            let mut next = pin!(poll_fn(|context| connection.poll_message(context)));
            next.as_mut().await
        };
        match (message, &notified) {
            (Some(Ok(AsyncMessage::Notification(notification))), Some(notified)) => {
                if notified.send(notification.payload().to_owned()).await.is_err() {
                    return;
                }
            }
            (Some(Ok(_)), _) => {}
            (Some(Err(error)), _) => {
                tracing::debug!(%error, "lost a connection to the database");
                return;
            }
            (None, _) => return,
        }
    }
}
