//! PostgreSQL's programs on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version of PostgreSQL that the store supports.
pub(super) const OLDEST_VERSION: u32 = 14;

/// The folder with the newest installed programs: on the path, or where Debian and Ubuntu install them.
pub(super) fn find_programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    on_path
        .chain(debian)
        .filter(|folder| {
            ["postgres", "initdb", "pg_isready"].iter().all(|program| folder.join(program).exists())
        })
        .filter_map(|folder| Some((version(&folder)?, folder)))
        .filter(|(version, _)| *version >= OLDEST_VERSION)
        .max_by_key(|(version, _)| *version)
        .map(|(_, folder)| folder)
}

fn version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_ascii_whitespace().nth(2)?.split('.').next()?.parse().ok()
}
