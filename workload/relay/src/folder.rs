//! A directory of numbered files for one process. Other users cannot read them, because they show what runs on the
//! clusters.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

pub(crate) struct Folder {
    path: PathBuf,
    extension: &'static str,
    /// Held as long as the directory is in use.
    _lock: File,
}

impl Folder {
    /// Opens the directory, creating it if necessary, for files with this extension. Fails if another process holds the
    /// lock file of this name.
    pub(crate) fn open(path: &Path, lock: &str, extension: &'static str) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(path.join(lock))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another process uses it")
            }
            TryLockError::Error(error) => error,
        })?;
        Ok(Self { path: path.to_owned(), extension, _lock: lock })
    }

    /// The numbers of the existing files, in ascending order.
    pub(crate) fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers: Vec<u64> = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let is_ours = path.extension().is_some_and(|extension| extension == self.extension);
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            numbers.extend(number.filter(|_| is_ours));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The path of the file with this number.
    pub(crate) fn path(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:020}.{}", self.extension))
    }

    /// Creates a file to append to.
    pub(crate) fn create(&self, number: u64) -> io::Result<File> {
        OpenOptions::new().create_new(true).append(true).mode(0o600).open(self.path(number))
    }

    pub(crate) fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.path(number))
    }
}
