//! The image's content is enough to run, and no more than that.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use agent::client::{Proof, Report};
use harness::hub::keys;
use harness::programs::{path, source_tree};
use harness::{Hub, Program, process};

/// A folder that the image's user may read, where Kubernetes and Juju put files.
const CONNECTOR: &str = "var/lib/cluster-manager/connector";
/// A name that only a system's own files resolve.
const DATABASE: &str = "database.internal";

/// Makes the image's root, with the files that a container gets from outside.
fn make_root(root: &Path, hub: &Hub) {
    let tool = source_tree().join("tools/image");
    let made = Command::new(tool).arg(path("cluster-manager")).arg(root).status().unwrap();
    assert!(made.success());
    fs::write(root.join("etc/hosts"), format!("127.0.0.1 localhost {DATABASE}\n")).unwrap();
    fs::create_dir_all(root.join(CONNECTOR)).unwrap();
    for file in ["tls.crt", "tls.key"] {
        let there = root.join(CONNECTOR).join(file);
        fs::copy(hub.folder().join("connector").join(file), &there).unwrap();
        fs::set_permissions(there, Permissions::from_mode(0o644)).unwrap();
    }
    fs::set_permissions(root, Permissions::from_mode(0o755)).unwrap();
}

/// A command with this folder as its root: as the image's user when the test runs as root, otherwise in a user namespace.
fn inside(root: &Path, variables: &[(String, String)]) -> Command {
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = process::command_at(Path::new("chroot"), variables);
        command.arg("--userspec=584792:584792");
        command
    } else {
        let mut command = process::command_at(Path::new("unshare"), variables);
        command.args(["--map-root-user", "chroot"]);
        command
    };
    command.arg(root).arg("/usr/bin/cluster-manager");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn image_root_is_enough_to_serve() {
    let hub = Hub::without_units(store::testing::empty_database().await.unwrap(), &[]);
    assert_eq!(hub.database.servers[0].host, "127.0.0.1", "the name stands for it");
    let root = tempfile::tempdir().unwrap();
    make_root(root.path(), &hub);
    let elsewhere =
        [("DB_HOST", DATABASE.to_owned()), ("CLUSTER_CONNECTOR_TLS_PATH", format!("/{CONNECTOR}"))];
    let elsewhere = elsewhere.map(|(name, value)| (name.to_owned(), value));
    let variables = [hub.variables(), &elsewhere].concat();
    let mut command = inside(root.path(), &variables);
    command.args(["serve", "--connector-listen", &format!("127.0.0.1:{}", hub.address.port())]);
    let mut program = Program::start(command);
    program.prints("ready").await;

    let site = agent::client::join(&hub.token("a"), keys("a"), Proof::Token).await.unwrap();
    site.heartbeat(Report::default().encode()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn image_root_holds_only_program_libraries_and_authorities() {
    let root = tempfile::tempdir().unwrap();
    let tool = source_tree().join("tools/image");
    assert!(Command::new(tool).arg(path("cluster-manager")).arg(root.path()).status().unwrap().success());
    let mut names = BTreeSet::new();
    let mut folders = vec![root.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => drop(names.insert(entry.file_name().into_string().unwrap())),
            }
        }
    }
    let libraries = names.iter().filter(|name| name.contains(".so."));
    let mut libraries: Vec<_> = libraries.map(|name| name.split(".so.").next().unwrap()).collect();
    libraries.retain(|name| !name.starts_with("ld-linux"));
    assert_eq!(libraries, ["libc", "libgcc_s", "libm"], "{names:?}");
    names.retain(|name| !name.contains(".so."));
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["ca-certificates.crt", "cluster-manager"]);
}
