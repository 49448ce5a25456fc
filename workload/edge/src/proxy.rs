//! The PROXY protocol, with which a load balancer that passes TLS through forwards the client's address.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

mod parse;

pub use parse::{MAX_HEADER, ParseError, Parsed, parse};

/// Whose PROXY headers are trusted.
///
/// A connection from a trusted network must begin with a header. Other connections must not: their header is read as
/// TLS, which refuses it. Otherwise clients could pretend to have any address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyPolicy {
    /// The networks of the load balancers. Empty: the PROXY protocol is not used.
    pub trusted: Vec<IpNet>,
}

impl ProxyPolicy {
    /// Whether connections from this address must begin with a header. IPv4-mapped addresses count as IPv4.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// The address of the client behind a new connection. Reads exactly the header, if there must be one.
pub(crate) async fn client_address(
    stream: &mut TcpStream,
    socket: SocketAddr,
    policy: &ProxyPolicy,
) -> io::Result<SocketAddr> {
    let socket = canonical(socket);
    if !policy.trusts(socket.ip()) {
        return Ok(socket);
    }
    Ok(read_header(stream).await?.map_or(socket, canonical))
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Peeks at the received bytes and reads only those that are part of the header, so that not a byte of TLS is consumed.
async fn read_header(stream: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    // On the heap, so that the tasks of connections without a header do not contain the buffer.
    let mut buffer = vec![0; MAX_HEADER];
    let mut taken = 0;
    loop {
        let seen = taken + stream.peek(&mut buffer[taken..]).await?;
        if seen == taken {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (end, parsed) = match parse(&buffer[..seen]) {
            Ok(parsed) => (parsed.consumed, Some(parsed.address)),
            // All of it belongs to the header. After reading it, the next peek waits for more.
            Err(ParseError::NeedMore) => (seen, None),
            Err(problem @ ParseError::Invalid(_)) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
        };
        stream.read_exact(&mut buffer[taken..end]).await?;
        if let Some(address) = parsed {
            return Ok(address);
        }
        taken = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_mapped_addresses_match_ipv4_networks() {
        let policy =
            ProxyPolicy { trusted: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()] };
        for (address, trusted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("fd00::1", true),
            ("11.1.2.3", false),
            ("::ffff:11.1.2.3", false),
            ("fe00::1", false),
        ] {
            assert_eq!(policy.trusts(address.parse().unwrap()), trusted, "{address}");
        }
    }

    #[test]
    fn no_address_is_trusted_by_default() {
        assert!(!ProxyPolicy::default().trusts("127.0.0.1".parse().unwrap()));
    }
}
