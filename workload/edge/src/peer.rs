//! The other end of a connection.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::Fingerprint;
use rustls::pki_types::CertificateDer;

use crate::Error;
use crate::caps::{ClientKey, Place};

/// When a client with too many connections may try again.
const CONNECTIONS_RETRY_AFTER: Duration = Duration::from_secs(10);

/// The other end of a connection, an extension of every request: `warp::ext::get::<Peer>()`.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The client's address, from the PROXY header if there is one, otherwise from the socket. Never an IPv4-mapped one.
    pub address: SocketAddr,
    /// The certificate that the client presented in the TLS handshake.
    pub certificate: ClientCertificate,
    connection: Connection,
}

/// The connection in the counts of its server. `None` where there is no server, in tests of handlers.
#[derive(Clone, Default)]
struct Connection(Option<Arc<Place>>);

/// The certificate that a client presented. The client proved that it holds the key; nothing else was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificate {
    /// No certificate, or this server does not ask for one.
    None,
    /// Exactly one certificate.
    One {
        /// The SHA-256 of the certificate, computed once for each handshake.
        fingerprint: Fingerprint,
        /// The certificate in DER.
        der: Arc<[u8]>,
    },
    /// More than one certificate. No cluster presents a chain, so none of them is used.
    Several,
}

impl Peer {
    /// A peer whose connection is not counted.
    pub fn new(address: SocketAddr, certificate: ClientCertificate) -> Self {
        Self { address, certificate, connection: Connection::default() }
    }

    pub(crate) fn with_place(self, place: Arc<Place>) -> Self {
        Self { connection: Connection(Some(place)), ..self }
    }

    /// Says whose connection it is. From then on the connection counts towards this client, no longer towards the
    /// network of its address, and never gives way to others. The network gets more places for some time, because this
    /// client will come back. Fails with 429 if the client has too many connections.
    pub fn authenticated_as(&self, client: ClientKey) -> Result<(), Error> {
        let place = self.connection.0.as_ref();
        if place.is_none_or(|place| place.authenticated_as(client)) {
            return Ok(());
        }
        Err(Error::TooManyRequests { retry_after: CONNECTIONS_RETRY_AFTER })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl ClientCertificate {
    /// The fingerprint, if there is exactly one certificate.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::One { fingerprint, .. } => Some(*fingerprint),
            Self::None | Self::Several => None,
        }
    }

    pub(crate) fn of_chain(chain: Option<&[CertificateDer<'_>]>) -> Self {
        match chain {
            None | Some([]) => Self::None,
            Some([one]) => Self::One { fingerprint: Fingerprint::of_der(one), der: Arc::from(one.as_ref()) },
            Some(_) => Self::Several,
        }
    }
}
