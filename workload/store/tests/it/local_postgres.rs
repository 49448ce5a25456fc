//! The local PostgreSQL has no more rights than it needs.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use store::database::{Durability, LocalPostgres, create_database};
use store::testing::{scratch_folder, texts};

/// The effective capabilities of the server on these data, from its lock file.
fn capabilities(folder: &Path) -> String {
    let lock = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", lock.lines().next().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    line.trim().to_owned()
}

/// The folder is one that other accounts cannot reach, as root's home is.
#[tokio::test]
async fn server_has_no_capabilities_and_its_role_is_no_superuser() {
    let closed = scratch_folder("closed");
    std::fs::create_dir_all(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let folder = closed.join("postgres");
    for _ in 0..2 {
        let mut postgres = LocalPostgres::start(&folder, None, Durability::None).unwrap();
        create_database(&postgres.options("postgres"), "hub").await.unwrap();
        let roles =
            "SELECT rolname FROM pg_roles WHERE rolsuper OR rolreplication OR rolbypassrls OR rolcreaterole";
        assert_eq!(texts(&postgres.options("hub"), roles).await.unwrap(), ["postgres"]);
        let superuser = postgres.superuser_options("hub").unwrap();
        assert_eq!(texts(&superuser, "SELECT current_user").await.unwrap(), ["postgres"]);
        assert_eq!(capabilities(&folder), "0000000000000000");
        postgres.stop();
    }
    if let Ok(elsewhere) = std::fs::read_link(&folder) {
        std::fs::remove_dir_all(elsewhere).unwrap();
    }
    std::fs::remove_dir_all(&closed).unwrap();
}
