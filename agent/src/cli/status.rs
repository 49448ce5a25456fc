//! `cluster-agent status`: which hub was joined, how the last report went, whether LXD answers.

use std::fmt;

use protocol::{Certificate, Fingerprint};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{CliError, Places};
use crate::lxd::api::{self, Server};
use crate::lxd::collect;
use crate::state::{Identity, Joined, LastBeat, StateDir};

#[derive(Debug, Serialize)]
struct Status {
    hub: Joined,
    certificate_fingerprint: Fingerprint,
    #[serde(with = "time::serde::rfc3339::option")]
    certificate_until: Option<OffsetDateTime>,
    last_beat: Option<LastBeat>,
    lxd: Option<LxdStatus>,
    lxd_error: Option<String>,
}

#[derive(Debug, Serialize)]
struct LxdStatus {
    version: String,
    members: usize,
}

pub(super) async fn status(places: &Places, json: bool) -> Result<(), CliError> {
    let state = places.state()?;
    let hub = state.joined()?.ok_or(CliError::NotJoined)?;
    let status = read(places, &state, hub).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&status).unwrap_or_default());
    } else {
        print!("{status}");
    }
    Ok(())
}

async fn read(places: &Places, state: &StateDir, hub: Joined) -> Result<Status, CliError> {
    let keys = state.keys(Identity::Cluster)?;
    let certificate = Certificate::from_der(keys.certificate().to_vec()).ok();
    let lxd = read_lxd(places).await;
    Ok(Status {
        hub,
        certificate_fingerprint: keys.fingerprint(),
        certificate_until: certificate.map(|certificate| certificate.not_after),
        last_beat: state.last_beat()?,
        lxd_error: lxd.as_ref().err().map(ToString::to_string),
        lxd: lxd.ok(),
    })
}

async fn read_lxd(places: &Places) -> Result<LxdStatus, CliError> {
    let lxd = places.lxd()?;
    let server: Server = api::get(&lxd, "/1.0").await?;
    let members = collect::members(&lxd, &server).await?.len();
    Ok(LxdStatus { version: server.environment.server_version, members })
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hub: Vec<_> = self.hub.addresses.iter().map(ToString::to_string).collect();
        writeln!(f, "hub          {}", hub.join(", "))?;
        writeln!(f, "joined       {}, as {}", written(self.hub.joined_at), self.hub.server_name)?;
        let until = self.certificate_until.map(written).unwrap_or_default();
        writeln!(f, "certificate  {}, until {until}", self.certificate_fingerprint)?;
        match &self.last_beat {
            None => writeln!(f, "last report  none yet")?,
            Some(LastBeat { at, error: None }) => writeln!(f, "last report  {}, taken", written(*at))?,
            Some(LastBeat { at, error: Some(error) }) => {
                writeln!(f, "last report  {}: {error}", written(*at))?;
            }
        }
        match &self.lxd {
            Some(lxd) => writeln!(f, "LXD          {}, members: {}", lxd.version, lxd.members),
            None => writeln!(f, "LXD          {}", self.lxd_error.as_deref().unwrap_or_default()),
        }
    }
}

fn written(time: OffsetDateTime) -> String {
    time.replace_nanosecond(0).unwrap_or(time).format(&Rfc3339).unwrap_or_default()
}
