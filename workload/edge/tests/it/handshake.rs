//! TLS: versions, client certificates, the server's certificate and its renewal.

use std::os::unix::fs::symlink;
use std::time::Duration;

use edge::ServerIdentity;
use edge::tls::{ClientCertificates, IdentityError};
use protocol::Fingerprint;
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt as _;

use crate::harness::{Identity, Options, TestServer, get, soon};

#[tokio::test]
async fn handler_sees_the_client_certificate_with_both_versions() {
    let server = TestServer::start(Options::default()).await;
    let cluster = Identity::p384();
    for version in [&TLS12, &TLS13] {
        let client = server.client().version(version).presenting(vec![cluster.der.clone()], &cluster.key);
        let mut stream = client.connect(server.tcp().await).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        let address = stream.get_ref().0.local_addr().unwrap();
        let fingerprint = Fingerprint::of_der(&cluster.der);
        assert_eq!(get(&mut stream, "/peer").await.metadata(), format!("{address} {fingerprint}"));
    }
    assert_eq!(server.handshakes("ok"), 2);
}

#[tokio::test]
async fn client_without_certificate_is_served() {
    let server = TestServer::start(Options::default()).await;
    let response = get(&mut server.connect().await, "/peer").await;
    assert!(response.metadata().as_str().unwrap().ends_with(" none"), "{response:?}");
}

#[tokio::test]
async fn chain_of_two_counts_as_several() {
    let server = TestServer::start(Options::default()).await;
    let (one, two) = (Identity::p384(), Identity::p256());
    let client = server.client().presenting(vec![one.der, two.der], &one.key);
    let response = get(&mut client.connect(server.tcp().await).await.unwrap(), "/peer").await;
    assert!(response.metadata().as_str().unwrap().ends_with(" several"), "{response:?}");
}

#[tokio::test]
async fn certificate_without_its_key_fails_the_handshake() {
    let server = TestServer::start(Options::default()).await;
    let (stolen, own) = (Identity::p384(), Identity::p384());
    for version in [&TLS12, &TLS13] {
        let client = server.client().version(version).presenting(vec![stolen.der.clone()], &own.key);
        // In TLS 1.3 the client finishes before the server has verified it, and sees the failure in its first read.
        match client.connect(server.tcp().await).await {
            Ok(mut stream) => assert!(soon(stream.read_u8()).await.is_err()),
            Err(_) => assert_eq!(version.version, ProtocolVersion::TLSv1_2),
        }
    }
    server.wait_until_closed().await;
    assert_eq!((server.handshakes("ok"), server.handshakes("failed")), (0, 2));
}

#[tokio::test]
async fn chain_that_is_too_long_fails_the_handshake() {
    let server = TestServer::start(Options::default()).await;
    let cluster = Identity::p384();
    let chain = vec![cluster.der.clone(); 20_000 / cluster.der.len()];
    let client = server.client().version(&rustls::version::TLS12).presenting(chain, &cluster.key);
    assert!(client.connect(server.tcp().await).await.is_err());
    server.wait_until_closed().await;
    assert_eq!(server.handshakes("failed"), 1);
}

#[tokio::test]
async fn server_that_does_not_ask_sees_no_certificate() {
    let options = Options { client_certificates: ClientCertificates::NotRequested, ..Options::default() };
    let server = TestServer::start(options).await;
    let person = Identity::p256();
    let client = server.client().presenting(vec![person.der], &person.key);
    let response = get(&mut client.connect(server.tcp().await).await.unwrap(), "/peer").await;
    assert!(response.metadata().as_str().unwrap().ends_with(" none"), "{response:?}");
}

#[tokio::test]
async fn plain_http_fails_the_handshake() {
    let server = TestServer::start(Options::default()).await;
    let mut socket = server.tcp().await;
    crate::harness::send(&mut socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let _ = crate::harness::read_to_close(&mut socket).await;
    server.wait_until_closed().await;
    assert_eq!(server.handshakes("failed"), 1);
}

#[tokio::test]
async fn identity_has_the_properties_of_the_leaf() {
    let server = TestServer::start(Options::default()).await;
    assert_eq!(server.identity.leaf_fingerprint(), Fingerprint::of_der(&server.leaf));
    assert_eq!(server.identity.leaf_names(), ["localhost", "127.0.0.1"]);
    let parsed = protocol::Certificate::from_der(server.leaf.to_vec()).unwrap();
    assert_eq!(server.identity.leaf_not_after(), parsed.not_after);
}

/// As in Kubernetes: the files are links into a directory that is itself a link, and only that link is replaced.
#[tokio::test]
async fn renewed_certificate_is_used_without_closing_connections() {
    let mut server = TestServer::start(Options::default()).await;
    let folder = server.folder.path().to_owned();
    let renewed = Identity::p256();
    for (name, file) in [("old", None), ("new", Some(&renewed))] {
        std::fs::create_dir(folder.join(name)).unwrap();
        match file {
            Some(identity) => identity.write(&folder.join(name)),
            None => {
                for file in ["tls.crt", "tls.key"] {
                    std::fs::rename(folder.join(file), folder.join(name).join(file)).unwrap();
                }
            }
        }
    }
    symlink("old", folder.join("data")).unwrap();
    for file in ["tls.crt", "tls.key"] {
        symlink(format!("data/{file}"), folder.join(file)).unwrap();
    }
    let watching =
        tokio::spawn(server.identity.clone().watch(Duration::from_millis(5), server.shutdown.clone()));
    let mut old = server.connect().await;
    assert_eq!(get(&mut old, "/peer").await.status, 200);

    symlink("new", folder.join("next")).unwrap();
    std::fs::rename(folder.join("next"), folder.join("data")).unwrap();
    let expected = Fingerprint::of_der(&renewed.der);
    soon(async {
        while server.identity.leaf_fingerprint() != expected {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;

    assert!(server.client().connect(server.tcp().await).await.is_err(), "the old leaf is still in use");
    server.leaf = renewed.der;
    assert_eq!(get(&mut server.connect().await, "/peer").await.status, 200);
    assert_eq!(get(&mut old, "/peer").await.status, 200);
    drop(old);
    server.stop().await;
    soon(watching).await.unwrap();
}

#[test]
fn unusable_files_are_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let load = || ServerIdentity::load(folder.path()).unwrap_err();
    assert!(matches!(load(), IdentityError::Unreadable { .. }));

    let (one, other) = (Identity::p256(), Identity::p256());
    one.write(folder.path());
    assert!(ServerIdentity::load(folder.path()).is_ok());

    std::fs::write(folder.path().join("tls.key"), other.key.serialize_pem()).unwrap();
    let text = load().to_string();
    assert!(
        text.contains("tls.key: not the key of the certificate in") && text.contains("tls.crt"),
        "{text}"
    );

    std::fs::write(folder.path().join("tls.key"), "noise").unwrap();
    let text = load().to_string();
    assert!(text.contains("tls.key: not a private key in PEM"), "{text}");

    std::fs::write(folder.path().join("tls.crt"), "noise").unwrap();
    let text = load().to_string();
    assert!(text.contains("tls.crt: it contains no certificate"), "{text}");
}
