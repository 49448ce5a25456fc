//! The other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use protocol::Fingerprint;
use rustls::pki_types::CertificateDer;

/// The other end of a connection, an extension of every request: `warp::ext::get::<Peer>()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The client's address, from the PROXY header if there is one, otherwise from the socket. Never an IPv4-mapped one.
    pub address: SocketAddr,
    /// The certificate that the client presented in the TLS handshake.
    pub certificate: ClientCertificate,
}

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
