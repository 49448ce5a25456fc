// Whether a cluster is heard: health and why, heartbeat, tunnel.
import type { ReactNode } from "react";
import type { Cluster } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Facts } from "../../components/Facts";
import { HealthMark } from "../../components/Health";

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
              <HealthMark state={health.state} /> since <Ago at={health.since} />
              {health.reasons.map((reason) => (
                <small className="facts__note" key={reason}>
                  {reason}
                </small>
              ))}
            </>,
          ],
          ["Last heartbeat", heartbeat == null ? "none yet" : <Ago at={heartbeat} />],
          ["Joined", <Ago at={cluster.joined_at} />],
          ["Tunnel", cluster.tunnel_registered ? "open" : "not open"],
        ]}
      />
    </section>
  );
}
