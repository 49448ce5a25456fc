// A cluster's health with its reasons, its last heartbeat and its tunnel.
import type { ReactNode } from "react";
import type { Cluster } from "../../api/types";
import { Ago, Lasting } from "../../components/Ago";
import { Facts } from "../../components/Facts";
import { HealthMark } from "../../components/Health";
import { visible } from "../../format/text";

/** The id that the cluster gives itself, which an older cluster does not send. */
function uuidOf(cluster: Cluster): [string, ReactNode][] {
  return cluster.cluster_uuid === "" ? [] : [["Cluster UUID", <bdi>{cluster.cluster_uuid}</bdi>]];
}

export function Liveness({ cluster }: { cluster: Cluster }): ReactNode {
  const { health, last_heartbeat_at: heartbeat } = cluster;
  return (
    <section className="card" aria-label="Health">
      <h2 className="card__title">Health</h2>
      <Facts
        facts={[
          [
            "State",
            <>
              <HealthMark state={health.state} /> <Lasting since={health.since} />
              {health.reasons.map((reason) => (
                <small className="facts__note" key={reason}>
                  {visible(reason)}
                </small>
              ))}
            </>,
          ],
          ["Last heartbeat", heartbeat == null ? "None yet" : <Ago at={heartbeat} />],
          ["Joined", <Ago at={cluster.joined_at} />],
          ["Tunnel", cluster.tunnel_registered ? "Open" : "Not open"],
          ...uuidOf(cluster),
        ]}
      />
    </section>
  );
}
