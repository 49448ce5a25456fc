//! Plain SQL, for setting up databases.

use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::config::TargetSessionAttrs;

use crate::{DatabaseOptions, StoreError};

/// Creates a database unless it exists. `options` must name another database of the same server.
pub async fn create_database(options: &DatabaseOptions, name: &str) -> Result<(), StoreError> {
    let literal = name.replace('\'', "''");
    if !query(options, &format!("SELECT 1 FROM pg_database WHERE datname = '{literal}'")).await?.is_empty() {
        return Ok(());
    }
    let identifier = name.replace('"', "\"\"");
    query(options, &format!("CREATE DATABASE \"{identifier}\"")).await.map(|_| ())
}

/// Runs SQL on a separate connection and returns the first column of each row, as text.
pub(crate) async fn query(options: &DatabaseOptions, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut config = options.to_config();
    config.target_session_attrs(TargetSessionAttrs::Any);
    for server in &options.servers {
        config.host(&server.host).port(server.port);
    }
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(sql).await?;
    drop(client);
    // It ends because the client is gone.
    let _ = connection.await;
    let first_column = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    };
    Ok(messages.iter().filter_map(first_column).collect())
}
