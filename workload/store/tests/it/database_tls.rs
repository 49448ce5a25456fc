//! TLS to the database: encrypted without a CA, authenticated with one (contract section 5, `DB_CA_FILE`).

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use store::database::{Durability, LocalPostgres, Server};
use store::testing::{scratch_folder, store as store_over};
use store::{DatabaseOptions, DatabaseTls};

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// Makes the server present a certificate of this CA for 127.0.0.1 from its next start, and require TLS.
fn enable_tls(data: &Path, ca: &Ca) {
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, ca).unwrap();
    let owner = data.metadata().unwrap();
    for (name, text) in [("server.crt", leaf.pem()), ("server.key", key.serialize_pem())] {
        let path = data.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let mut settings = std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
    settings.write_all(b"\nssl = on\n").unwrap();
    std::fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").unwrap();
}

async fn connect(options: &DatabaseOptions, tls: DatabaseTls) -> Result<(), String> {
    store_over(&DatabaseOptions { tls, ..options.clone() }).ping().await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn certificate_of_the_database_is_verified_with_a_ca() {
    let folder = scratch_folder("tls");
    drop(LocalPostgres::start(&folder, None, Durability::None).unwrap());
    let (ours, another) = (ca(), ca());
    enable_tls(&folder.join("data"), &ours);
    let mut postgres = LocalPostgres::start(&folder, None, Durability::None).unwrap();
    let options = postgres.options("postgres");
    let verified = |ca: &Ca| DatabaseTls::Verified { ca_pem: ca.pem().into_bytes() };

    assert_eq!(connect(&options, DatabaseTls::Unverified).await, Ok(()));
    assert_eq!(connect(&options, verified(&ours)).await, Ok(()));
    let refused = connect(&options, verified(&another)).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    let by_name = DatabaseOptions {
        servers: vec![Server { host: "localhost".to_owned(), port: options.servers[0].port }],
        ..options.clone()
    };
    let misnamed = connect(&by_name, verified(&ours)).await.unwrap_err();
    assert!(misnamed.contains("certificate"), "the certificate must name the host: {misnamed}");
    let clear = connect(&options, DatabaseTls::Disabled).await.unwrap_err();
    assert!(clear.contains("no encryption"), "{clear}");

    // The connection that listens for changes is encrypted in the same way.
    let listening = store_over(&DatabaseOptions { tls: verified(&ours), ..options.clone() });
    assert!(listening.listen().await.is_ok());
    drop(listening);
    postgres.stop();
    let _ = std::fs::remove_dir_all(folder);
}
