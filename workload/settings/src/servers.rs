//! The database's servers, as `DB_HOST` and `DB_PORT` name them (contract section 5).

use std::fmt;
use std::net::Ipv6Addr;

/// One server of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseServer {
    /// A host name, an IP address, or the folder of a unix socket.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for DatabaseServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// The hosts of `DB_HOST`, each with its own port or the default one.
pub(crate) fn database_servers(text: &str, default_port: u16) -> Option<Vec<DatabaseServer>> {
    text.split(',').map(|server| database_server(server.trim(), default_port)).collect()
}

fn database_server(text: &str, default_port: u16) -> Option<DatabaseServer> {
    let is_ipv6 = text.parse::<Ipv6Addr>().is_ok();
    let (host, port) = match text.rsplit_once(':') {
        _ if text.starts_with('/') || is_ipv6 => (text, default_port),
        Some((host, port)) if !text.ends_with(']') => (host, port.parse().ok().filter(|port| *port > 0)?),
        _ => (text, default_port),
    };
    let host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').filter(|address| address.parse::<Ipv6Addr>().is_ok())?,
        None if host.contains(':') && !is_ipv6 && !host.starts_with('/') => return None,
        None => host,
    };
    let is_valid = !host.is_empty() && !host.contains(char::is_whitespace);
    is_valid.then(|| DatabaseServer { host: host.to_owned(), port })
}
