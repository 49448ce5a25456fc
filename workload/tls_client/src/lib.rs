//! Which TLS servers our programs trust when they connect to others.
//!
//! A [`ServerVerifier`] combines two checks. It always verifies that the server holds the key of the certificate that it
//! presents, and it asks an [`AcceptCertificate`] whether that certificate is trusted:
//!
//! | type | accepts | used for |
//! |---|---|---|
//! | [`PinnedLeaf`] | the certificate with a known fingerprint | a hub or an LXD server that an operator pinned |
//! | [`ExactLeaf`] | one known certificate, within its dates and for the host that is called | a cluster's calls to the hub |
//! | [`SignedByAuthority`] | certificates that chain to one of the [`TrustedAuthorities`] | a hub, an identity provider |
//! | [`AnyLeaf`] | every certificate | a database for which no CA is configured |
//!
//! [`Unverified`] is the one exception: it verifies nothing at all, not even the key. It is only for looking at a
//! certificate, never for sending anything that matters.

mod accept;
mod authorities;
#[cfg(feature = "http")]
mod http;
mod verifier;

pub use accept::{
    AcceptCertificate, AnyLeaf, ExactLeaf, PinnedLeaf, PresentedCertificate, SignedByAuthority,
};
pub use authorities::{InvalidAuthorities, TrustedAuthorities};
#[cfg(feature = "http")]
pub use http::{InvalidHttpClient, http_client};
pub use verifier::{ServerVerifier, Unverified, client_config};

#[cfg(test)]
mod tests;
