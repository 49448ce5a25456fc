//! Watches the certificate's files, so that a renewed certificate is used without a restart.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::identity::{Contents, IdentityError, ServerIdentity};

impl ServerIdentity {
    /// Reads the files at this interval until the shutdown. Modification times are not enough: Kubernetes replaces whole
    /// directories through a symbolic link.
    ///
    /// If the files cannot be loaded, for example because only one of them is written yet, the old pair stays in use and
    /// one warning is logged.
    pub async fn watch(self: Arc<Self>, interval: Duration, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut refused = None;
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let identity = Arc::clone(&self);
            let read = tokio::task::spawn_blocking(move || identity.files.read());
            if let Ok(contents) = read.await {
                self.take(contents, &mut refused);
            }
        }
    }

    fn take(&self, contents: Result<Contents, IdentityError>, refused: &mut Option<u64>) {
        let digest = match &contents {
            Ok(contents) => contents.digest(),
            Err(problem) => digest_of(&problem.to_string()),
        };
        if self.current.load().digest == digest {
            *refused = None;
            return;
        }
        if *refused == Some(digest) {
            return;
        }
        match contents.and_then(|contents| self.files.load(&contents)) {
            Ok(new) if self.is_pinned && new.fingerprint != self.leaf_fingerprint() => {
                *refused = Some(digest);
                let (pinned, new) = (self.leaf_fingerprint(), new.fingerprint);
                tracing::error!(%pinned, %new, "the files contain a different certificate from the one that clusters pin; keeping the pinned one, because with any other no cluster could connect");
            }
            Ok(new) => {
                let (old, new_fingerprint) = (self.leaf_fingerprint(), new.fingerprint);
                self.current.store(Arc::new(new));
                *refused = None;
                tracing::info!(%old, new = %new_fingerprint, "the server's certificate was replaced");
            }
            Err(problem) => {
                *refused = Some(digest);
                tracing::warn!(%problem, "cannot use the server's new certificate; keeping the old one");
            }
        }
    }
}

fn digest_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use protocol::Fingerprint;

    use super::*;

    /// Writes a new pair and returns its fingerprint.
    fn write(folder: &Path) -> Fingerprint {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        std::fs::write(folder.join("tls.crt"), certificate.pem()).unwrap();
        std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
        Fingerprint::of_der(certificate.der())
    }

    #[test]
    fn pinned_leaf_is_kept_when_the_files_change() {
        let folder = tempfile::tempdir().unwrap();
        let pinned = write(folder.path());
        let identity = ServerIdentity::load_pinned(folder.path()).unwrap();
        let mut refused = None;
        write(folder.path());
        identity.take(identity.files.read(), &mut refused);
        assert!(identity.leaf_fingerprint() == pinned && refused.is_some());
    }

    #[test]
    fn unusable_files_leave_the_old_pair_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let old = write(folder.path());
        let identity = ServerIdentity::load(folder.path()).unwrap();
        let mut refused = None;
        let mut reload = || {
            identity.take(identity.files.read(), &mut refused);
            (identity.leaf_fingerprint(), refused)
        };
        assert_eq!(reload(), (old, None));

        // The certificate is already new, the key is not.
        let old_key = std::fs::read(folder.path().join("tls.key")).unwrap();
        let new = write(folder.path());
        let new_key = std::fs::read(folder.path().join("tls.key")).unwrap();
        std::fs::write(folder.path().join("tls.key"), &old_key).unwrap();
        let (used, half) = reload();
        assert!(used == old && half.is_some());
        assert_eq!(reload(), (old, half));

        std::fs::remove_file(folder.path().join("tls.key")).unwrap();
        let (used, missing) = reload();
        assert!(used == old && missing.is_some() && missing != half);

        std::fs::write(folder.path().join("tls.key"), &new_key).unwrap();
        assert_eq!(reload(), (new, None));
    }
}
