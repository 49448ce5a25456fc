// A row of the list.
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { ClusterSummary } from "../../api/types";
import { Ago, Lasting } from "../../components/Ago";
import { HealthMark } from "../../components/Health";
import { RowCheckbox } from "../../components/RowCheckbox";
import { Meter } from "../../components/Meter";
import { count } from "../../format/count";
import { clusterPath } from "../../url/links";
import type { Selection } from "../../components/useSelection";
import { WarningSummary } from "./WarningSummary";
import { visible } from "../../format/text";

interface Props {
  cluster: ClusterSummary;
  selection: Selection | null;
  actions: ReactNode;
}

export function ClusterRow({ cluster, selection, actions }: Props): ReactNode {
  const { name, description, health } = cluster;
  return (
    <tr>
      {selection !== null && (
        <td className="clusters__select">
          <RowCheckbox
            label={`Select ${visible(name)}`}
            checked={selection.has(name)}
            onChange={(checked) => {
              selection.setAll([name], checked);
            }}
          />
        </td>
      )}
      <th scope="row" className="clusters__name">
        <Link to={clusterPath(name)} title={visible(name)}>
          <bdi>{visible(name)}</bdi>
        </Link>
        {description !== "" && (
          <small className="clusters__description" title={visible(description)}>
            <bdi>{visible(description)}</bdi>
          </small>
        )}
      </th>
      <td className="clusters__health">
        <span title={health.reasons.join("; ")}>
          <HealthMark state={health.state} />{" "}
          <small>
            <Lasting since={health.since} />
          </small>
        </span>
        <small className="clusters__second">
          {cluster.last_heartbeat_at == null ? (
            "No heartbeat yet"
          ) : (
            <>
              Heartbeat <Ago at={cluster.last_heartbeat_at} />
            </>
          )}
        </small>
      </td>
      <td className="clusters__counts">
        <span>
          {count(cluster.member_count, "member")}
          {cluster.members_not_online > 0 && (
            <b className="clusters__bad">, {cluster.members_not_online} not online</b>
          )}
        </span>
        <small className="clusters__second">
          {cluster.instances_running} of {cluster.instance_count} running
        </small>
      </td>
      <td className="clusters__cpu" data-label="CPU load">
        <span title="CPU load over 1, 5 and 15 min">
          {cluster.cpu_load_1} <small>{cluster.cpu_load_5}</small> <small>{cluster.cpu_load_15}</small>
        </span>
        <small className="clusters__second">
          {cluster.cpu_total_count > 0 ? count(cluster.cpu_total_count, "CPU") : "All members"}
        </small>
      </td>
      <td className="clusters__use" data-label="Memory">
        <Meter
          label={`Memory of ${visible(name)}`}
          usage={cluster.memory_usage}
          total={cluster.memory_total_amount}
          threshold={cluster.memory_threshold}
        />
      </td>
      <td className="clusters__use" data-label="Storage">
        <StorageMeter cluster={cluster} />
      </td>
      <td className="clusters__warnings" data-label="Warnings">
        <WarningSummary warnings={cluster.warnings} />
      </td>
      <td className="clusters__actions">{actions}</td>
    </tr>
  );
}

/** The fullest pool, because it is the one that runs out of space first. */
function StorageMeter({ cluster }: { cluster: ClusterSummary }): ReactNode {
  const pool = cluster.fullest_storage_pool;
  if (pool == null) return <span className="u-text--muted">Unknown</span>;
  const where = pool.member === "" ? pool.name : `${pool.name} on ${pool.member}`;
  return (
    <Meter
      label={visible(`Fullest storage pool of ${cluster.name}: ${where}`)}
      usage={pool.usage}
      total={pool.total}
      threshold={cluster.disk_threshold}
    />
  );
}
