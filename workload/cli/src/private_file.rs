//! Files that hold secrets.

use std::fs::Metadata;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The permissions of a file's group and of others to write it.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Writes a file that only its owner can read. An existing file is replaced as a whole or stays as it is.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

/// Whether the file and its folder belong to the account that runs this program, and nobody else can write them: what
/// somebody else left in the current folder must not choose the database.
pub(crate) fn belongs_to_caller_only(path: &Path) -> bool {
    let is_ours = |path: &Path, is_right_type: fn(&Metadata) -> bool| {
        std::fs::symlink_metadata(path).is_ok_and(|file| {
            is_right_type(&file)
                && file.uid() == rustix::process::geteuid().as_raw()
                && file.mode() & WRITABLE_BY_OTHERS == 0
        })
    };
    is_ours(path, Metadata::is_file) && path.parent().is_none_or(|folder| is_ours(folder, Metadata::is_dir))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn file_counts_only_if_nobody_else_can_write_it_or_its_folder() {
        let folder = std::env::temp_dir().join(format!("cluster-manager-private-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("config.yaml");
        write(&file, "").unwrap();
        let link = folder.join("link.yaml");
        symlink(&file, &link).unwrap();
        let modes = |folder_mode, file_mode| {
            set_permissions(&folder, Permissions::from_mode(folder_mode)).unwrap();
            set_permissions(&file, Permissions::from_mode(file_mode)).unwrap();
            belongs_to_caller_only(&file)
        };
        assert!(modes(0o700, 0o600) && modes(0o755, 0o644));
        assert!(!modes(0o755, 0o664) && !modes(0o755, 0o606) && !modes(0o775, 0o600) && !modes(0o777, 0o600));
        assert!(modes(0o700, 0o600) && !belongs_to_caller_only(&link) && !belongs_to_caller_only(&folder));
        assert!(!belongs_to_caller_only(&folder.join("missing")));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
