//! `POST /1.0/remote-cluster/status`: the heartbeat of a cluster.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use edge::body::RequestBody;
use edge::{Error, Response, response};
use fleet::warning::findings;
use protocol::Heartbeat;
use protocol::envelope::HeartbeatResponse;
use protocol::heartbeat::{MAX_BODY_BYTES, MemberMetrics, Misfits};
use store::WriteError;
use store::clusters::EnrolledCluster;
use store::heartbeats::NewHeartbeat;
use tokio::task::spawn_blocking;

use crate::bodies::Held;
use crate::call::Call;
use crate::connector::Connector;
use crate::deadline::Deadline;
use crate::errors::{from_store, from_write};
use crate::limits::Action;
use crate::metrics::Outcome;
use crate::metrics_sink::MemberExposition;

/// The longest body, in bytes, that is parsed at once: about a millisecond. A longer one would keep one of the few threads
/// that serve all connections from its work.
const MAX_BYTES_PARSED_AT_ONCE: usize = 256 * 1024;

impl Connector {
    /// Stores and judges the report, and responds after the commit. The metrics are passed on after that.
    pub(crate) async fn heartbeat(&self, call: &Call, body: RequestBody) -> Result<Response, Error> {
        let begun = Instant::now();
        let mut deadline = Deadline::of_heartbeat();
        let cluster = self.authenticate(&call.peer, Action::Heartbeat, &mut deadline).await?;
        let body = self.bodies.read(cluster.uid, body, MAX_BODY_BYTES).await?;
        let stored = self.store_report(cluster, &body, &mut deadline).await;
        let stored = stored.inspect_err(|_| self.metrics.count_heartbeat(Outcome::Refused))?;
        self.metrics.committed(begun.elapsed());
        self.metrics.count_misfits(&stored.misfits);
        if !stored.metrics.is_empty() {
            self.sink.accept(&stored.cluster, stored.metrics);
        }
        Ok(response::routine(call.caller.success(HeartbeatResponse {
            next_update_in_seconds: Self::next_update().as_secs().to_string(),
            cluster_manager_address: self.address.clone(),
        })))
    }

    /// Stores the report.
    async fn store_report(
        &self,
        cluster: Arc<EnrolledCluster>,
        body: &Held<'_>,
        deadline: &mut Deadline,
    ) -> Result<Stored, Error> {
        let Report { heartbeat, metrics, misfits } = self.parse(body, &cluster).await?;
        match deadline.within(self.writer.write(heartbeat)).await? {
            Ok(()) => return Ok(Stored { cluster, metrics, misfits }),
            Err(WriteError::NoSuchCluster) => {}
            Err(error) => return Err(from_write(error)),
        }
        // The cluster was removed, or it left and joined again with the same certificate and this unit has not been
        // notified yet.
        self.identities.forget(cluster.uid);
        let found = deadline.within(self.identities.look_up(cluster.fingerprint)).await?;
        let cluster = found.map_err(from_store)?.ok_or(Error::Forbidden)?;
        let Report { heartbeat, metrics, misfits } = self.parse(body, &cluster).await?;
        deadline.within(self.writer.write(heartbeat)).await?.map_err(from_write)?;
        Ok(Stored { cluster, metrics, misfits })
    }

    async fn parse(&self, body: &Held<'_>, cluster: &Arc<EnrolledCluster>) -> Result<Report, Error> {
        let mut report = if body.bytes.len() <= MAX_BYTES_PARSED_AT_ONCE {
            read(&body.bytes, cluster)?
        } else {
            // Large bodies take turns, so that they leave the other cores to small ones. The semaphore is never closed.
            let _turn = match body.is_large {
                true => Some(self.parsing.acquire().await.map_err(Error::internal)?),
                false => None,
            };
            let (bytes, cluster) = (body.bytes.clone(), cluster.clone());
            spawn_blocking(move || read(&bytes, &cluster)).await.map_err(Error::internal)??
        };
        report.heartbeat.findings.append(&mut self.sink.findings(cluster));
        Ok(report)
    }
}

/// What is left to do with a report that was stored.
struct Stored {
    cluster: Arc<EnrolledCluster>,
    metrics: Vec<MemberExposition>,
    misfits: Misfits,
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
