//! `POST /1.0/remote-cluster/status`: a cluster reports.

use std::time::Instant;

use bytes::Bytes;
use edge::body::RequestBody;
use edge::{Error, Peer, Response, response};
use fleet::warning::findings;
use protocol::Heartbeat;
use protocol::envelope::HeartbeatResponse;
use protocol::heartbeat::{MAX_BODY_BYTES, MemberMetrics};
use store::WriteError;
use store::clusters::EnrolledCluster;
use store::heartbeats::NewHeartbeat;

use crate::connector::Connector;
use crate::errors::{from_store, from_write};
use crate::limits::Action;
use crate::metrics::Outcome;
use crate::metrics_sink::SiteMetrics;

impl Connector {
    /// Stores the report and judges it; answers after the commit. Metrics go their own way afterwards.
    pub(crate) async fn heartbeat(&self, peer: &Peer, body: RequestBody) -> Result<Response, Error> {
        let begun = Instant::now();
        let mut cluster = self.authenticate(peer, Action::Heartbeat).await?;
        let (body, _held) = self.large_bodies.read(cluster.uid, body, MAX_BODY_BYTES).await?;
        let mut report = read(&body, &cluster)?;
        let mut written = self.writer.write(report.beat).await;
        if matches!(written, Err(WriteError::NoSuchCluster)) {
            // Removed; or it left and joined again with the same certificate, which this unit has not heard of yet.
            self.identities.forget(cluster.uid);
            let found = self.identities.look_up(cluster.fingerprint).await.map_err(from_store)?;
            cluster = found.ok_or(Error::Forbidden)?;
            report = read(&body, &cluster)?;
            written = self.writer.write(report.beat).await;
        }
        if let Err(error) = written {
            self.metrics.heard(Outcome::Refused);
            return Err(from_write(error));
        }
        self.metrics.committed(begun.elapsed());
        if !report.metrics.is_empty() {
            self.sink.accept(&cluster, report.metrics);
        }
        Ok(response::routine(response::success(HeartbeatResponse {
            next_update_in_seconds: Self::next_update().as_secs().to_string(),
            cluster_manager_address: self.address.clone(),
        })))
    }
}

/// A report that was read and judged.
struct Report {
    beat: NewHeartbeat,
    metrics: Vec<SiteMetrics>,
}

fn read(body: &Bytes, cluster: &EnrolledCluster) -> Result<Report, Error> {
    let Heartbeat { details, metrics } =
        Heartbeat::parse(body).map_err(|error| Error::BadRequest(error.to_string()))?;
    let findings = findings(&details, cluster.thresholds);
    let size: usize = metrics.iter().map(|member| member.metrics.len()).sum();
    // Where they are a small part of it, they shall not keep the whole body in memory.
    let is_worth_keeping = size >= body.len() / 2;
    let metrics = metrics.iter().map(|member| site_metrics(body, member, is_worth_keeping)).collect();
    Ok(Report { beat: NewHeartbeat { cluster: cluster.id, details, findings }, metrics })
}

/// The metrics of one member: as a slice of the one body if that is kept, else as a copy.
fn site_metrics(body: &Bytes, member: &MemberMetrics<'_>, keeps_body: bool) -> SiteMetrics {
    let escaped = member.metrics.as_bytes();
    SiteMetrics {
        member: member.member.clone().into_owned(),
        service: member.service.clone().into_owned(),
        escaped: if keeps_body { body.slice_ref(escaped) } else { Bytes::copy_from_slice(escaped) },
    }
}
