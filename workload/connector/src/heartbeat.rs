//! `POST /1.0/remote-cluster/status`: the heartbeat of a cluster.

use std::time::Instant;

use bytes::Bytes;
use edge::body::RequestBody;
use edge::{Error, Peer, Response, response};
use fleet::warning::findings;
use protocol::Heartbeat;
use protocol::envelope::HeartbeatResponse;
use protocol::heartbeat::{MAX_BODY_BYTES, MemberMetrics, Misfits};
use store::WriteError;
use store::clusters::EnrolledCluster;
use store::heartbeats::NewHeartbeat;

use crate::connector::Connector;
use crate::errors::{from_store, from_write};
use crate::limits::Action;
use crate::metrics::Outcome;
use crate::metrics_sink::MemberExposition;

impl Connector {
    /// Stores and judges the report, and responds after the commit. The metrics are passed on after that.
    pub(crate) async fn heartbeat(&self, peer: &Peer, body: RequestBody) -> Result<Response, Error> {
        let begun = Instant::now();
        let mut cluster = self.authenticate(peer, Action::Heartbeat).await?;
        let (body, _held) = self.large_bodies.read(cluster.uid, body, MAX_BODY_BYTES).await?;
        let mut report = read(&body, &cluster)?;
        report.heartbeat.findings.append(&mut self.sink.findings(&cluster));
        let mut written = self.writer.write(report.heartbeat).await;
        if matches!(written, Err(WriteError::NoSuchCluster)) {
            // The cluster was removed, or it left and joined again with the same certificate and this unit has not been
            // notified yet.
            self.identities.forget(cluster.uid);
            let found = self.identities.look_up(cluster.fingerprint).await.map_err(from_store)?;
            cluster = found.ok_or(Error::Forbidden)?;
            report = read(&body, &cluster)?;
            report.heartbeat.findings.append(&mut self.sink.findings(&cluster));
            written = self.writer.write(report.heartbeat).await;
        }
        if let Err(error) = written {
            self.metrics.count_heartbeat(Outcome::Refused);
            return Err(from_write(error));
        }
        self.metrics.committed(begun.elapsed());
        self.metrics.count_misfits(&report.misfits);
        if !report.metrics.is_empty() {
            self.sink.accept(&cluster, report.metrics);
        }
        Ok(response::routine(response::success(HeartbeatResponse {
            next_update_in_seconds: Self::next_update().as_secs().to_string(),
            cluster_manager_address: self.address.clone(),
        })))
    }
}

/// A report that was parsed and judged.
struct Report {
    heartbeat: NewHeartbeat,
    metrics: Vec<MemberExposition>,
    misfits: Misfits,
}

fn read(body: &Bytes, cluster: &EnrolledCluster) -> Result<Report, Error> {
    let Heartbeat { details, metrics, misfits } =
        Heartbeat::parse(body).map_err(|error| Error::BadRequest(error.to_string()))?;
    let findings = findings(&details, &misfits, cluster.thresholds);
    let metrics = metrics.iter().map(|member| member_exposition(body, member)).collect();
    Ok(Report { heartbeat: NewHeartbeat { cluster: cluster.id, details, findings }, metrics, misfits })
}

/// The metrics of one member, as a slice of the body.
fn member_exposition(body: &Bytes, member: &MemberMetrics<'_>) -> MemberExposition {
    MemberExposition {
        member: member.member.clone().into_owned(),
        service: member.service.clone().into_owned(),
        escaped: body.slice_ref(member.metrics.as_bytes()),
        body_bytes: body.len(),
    }
}
