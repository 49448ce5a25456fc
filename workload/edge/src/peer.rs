//! Who is at the other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use protocol::Fingerprint;
use rustls::pki_types::CertificateDer;

/// The other end of a connection, in every request's extensions: `warp::ext::get::<Peer>()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The client's address: from the PROXY header where one is used, else the socket's. Never an IPv4-mapped one.
    pub address: SocketAddr,
    /// What it proved in the TLS handshake.
    pub certificate: ClientCertificate,
}

/// What a client presented in the handshake. It holds the leaf's key; nothing else about it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificate {
    /// No certificate, or this server does not ask for one.
    None,
    /// Exactly one certificate.
    One {
        /// The SHA-256 of the certificate, computed once a handshake.
        fingerprint: Fingerprint,
        /// The certificate in DER.
        der: Arc<[u8]>,
    },
    /// More than one. No cluster presents a chain, so none of them counts.
    Several,
}

impl ClientCertificate {
    /// The fingerprint of the one certificate, if there is exactly one.
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
