//! `cluster-agent status`: shows the joined hub, the result of the last report and the state of LXD.

use std::fmt;

use protocol::text::escaped;
use protocol::{Certificate, Fingerprint};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::directories::Directories;
use super::error::CliError;
use crate::lxd::api::{self, Server};
use crate::lxd::collect;
use crate::state::{Identity, Joined, LastHeartbeat, StateDir};
use crate::terminal;

/// The keys of `status --json` are published: renamed fields keep their old names there.
#[derive(Debug, Serialize)]
struct Status {
    hub: Joined,
    certificate_fingerprint: Fingerprint,
    #[serde(rename = "certificate_until", with = "time::serde::rfc3339::option")]
    certificate_expires_at: Option<OffsetDateTime>,
    #[serde(rename = "last_beat")]
    last_heartbeat: Option<LastHeartbeat>,
    lxd: Option<LxdStatus>,
    lxd_error: Option<String>,
}

#[derive(Debug, Serialize)]
struct LxdStatus {
    version: String,
    members: usize,
}

pub(super) async fn status(directories: &Directories, json: bool) -> Result<(), CliError> {
    let state = directories.state()?;
    let hub = state.joined()?.ok_or(CliError::NotJoined)?;
    let status = read(directories, &state, hub).await?;
    if json {
        terminal::json(&status);
    } else {
        terminal::line(&status.to_string());
    }
    Ok(())
}

async fn read(directories: &Directories, state: &StateDir, hub: Joined) -> Result<Status, CliError> {
    let keys = state.keys(Identity::Cluster)?;
    let certificate = Certificate::from_der(keys.certificate().to_vec()).ok();
    let lxd = read_lxd(directories).await;
    Ok(Status {
        hub,
        certificate_fingerprint: keys.fingerprint(),
        certificate_expires_at: certificate.map(|certificate| certificate.not_after),
        last_heartbeat: state.last_heartbeat()?,
        lxd_error: lxd.as_ref().err().map(ToString::to_string),
        lxd: lxd.ok(),
    })
}

async fn read_lxd(directories: &Directories) -> Result<LxdStatus, CliError> {
    let lxd = directories.lxd()?;
    let server: Server = api::get(&lxd, "/1.0").await?;
    let members = collect::members(&lxd, &server).await?.len();
    Ok(LxdStatus { version: server.environment.server_version, members })
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hub: Vec<_> = self.hub.addresses.iter().map(ToString::to_string).collect();
        writeln!(f, "hub          {}", hub.join(", "))?;
        writeln!(
            f,
            "joined       {} as \"{}\"",
            timestamp(self.hub.joined_at),
            escaped(&self.hub.server_name)
        )?;
        let expiry = self.certificate_expires_at.map(timestamp).unwrap_or_default();
        writeln!(f, "certificate  {}, expires {expiry}", self.certificate_fingerprint)?;
        match &self.last_heartbeat {
            None => writeln!(f, "last report  none")?,
            Some(LastHeartbeat { at, error: None }) => {
                writeln!(f, "last report  {}, accepted", timestamp(*at))?;
            }
            Some(LastHeartbeat { at, error: Some(error) }) => {
                writeln!(f, "last report  {}, failed: {}", timestamp(*at), escaped(error))?;
            }
        }
        match &self.lxd {
            Some(LxdStatus { version, members }) => {
                let noun = if *members == 1 { "member" } else { "members" };
                writeln!(f, "LXD          {}, {members} {noun}", escaped(version))
            }
            None => writeln!(f, "LXD          {}", escaped(self.lxd_error.as_deref().unwrap_or_default())),
        }
    }
}

fn timestamp(time: OffsetDateTime) -> String {
    time.replace_nanosecond(0).unwrap_or(time).format(&Rfc3339).unwrap_or_default()
}
