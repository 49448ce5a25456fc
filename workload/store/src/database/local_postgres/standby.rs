//! A second server that follows the first one, for tests of failovers.

use std::path::Path;

use secrecy::ExposeSecret as _;

use super::LocalPostgres;
use super::account::Account;
use super::data_folder::{self, SUPERUSER};
use super::error::LocalPostgresError;
use super::programs::find_programs;

impl LocalPostgres {
    /// Copies the data of this running server into another folder. A server that is started there follows this one as
    /// a standby, until it is promoted.
    pub fn copy_to(&self, folder: &Path) -> Result<(), LocalPostgresError> {
        let programs = find_programs().ok_or(LocalPostgresError::NotInstalled)?;
        let (account, folder) = Account::for_folder(folder)?;
        data_folder::write_passwords(&folder, &account, &self.passwords)?;
        let password = self.passwords.superuser.as_ref().map_or("", |password| password.expose_secret());
        let primary = format!("host=127.0.0.1 port={} user={SUPERUSER} password={password}", self.port);
        let mut command = account.command(programs.join("pg_basebackup"));
        command.arg("-D").arg(data_folder::data(&folder)).current_dir("/");
        command.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--dbname", &primary]);
        data_folder::succeeded("pg_basebackup", &folder, command.output())
    }
}
