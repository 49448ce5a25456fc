// CPU load and the usage of memory and storage.
import { useState, type ReactNode } from "react";
import type { Cluster } from "../../api/types";
import { Meter } from "../../components/Meter";
import { bytesOf } from "../../format/bytes";
import { count } from "../../format/count";
import { percent } from "../../format/percent";
import { Button } from "../../kit";
import { fullestFirst, sumOf } from "./pools";
import { visible } from "../../format/text";

export function Capacity({ cluster }: { cluster: Cluster }): ReactNode {
  const storage = sumOf(cluster.storage_pool_usages);
  const share = percent(storage.usage, storage.total);
  return (
    <section className="card card--wide" aria-label="Capacity">
      <h2 className="card__title">Capacity</h2>
      <div className="capacity">
        <div>
          <h3 className="capacity__title">CPU load</h3>
          <p className="loads">
            <Load minutes="1" load={cluster.cpu_load_1} />
            <Load minutes="5" load={cluster.cpu_load_5} />
            <Load minutes="15" load={cluster.cpu_load_15} />
          </p>
          <small className="u-text--muted">
            {cluster.cpu_total_count > 0 ? count(cluster.cpu_total_count, "CPU") : "Sum over all members"}
          </small>
        </div>
        <div>
          <h3 className="capacity__title">Memory</h3>
          <Meter
            label="Memory"
            usage={cluster.memory_usage}
            total={cluster.memory_total_amount}
            threshold={cluster.memory_threshold}
          />
        </div>
        <div>
          <h3 className="capacity__title">Storage (all pools)</h3>
          <p>{share === null ? "Unknown" : `${share}% (${bytesOf(storage.usage, storage.total)})`}</p>
        </div>
      </div>
      <Pools cluster={cluster} />
    </section>
  );
}

function Load({ minutes, load }: { minutes: string; load: string }): ReactNode {
  return (
    <span>
      <b>{load}</b> <small>over {minutes} min</small>
    </span>
  );
}

/** How many storage pools are listed at first, so that the page stays short. */
const INITIAL_POOLS = 12;

function Pools({ cluster }: { cluster: Cluster }): ReactNode {
  const [showsAll, setShowsAll] = useState(false);
  const pools = fullestFirst(cluster.storage_pool_usages);
  const shown = showsAll ? pools : pools.slice(0, INITIAL_POOLS);
  if (pools.length === 0) return <p className="u-text--muted">No storage pools reported.</p>;
  return (
    <>
      <table className="pools" aria-label="Storage pools, fullest first">
        <thead>
          <tr>
            <th scope="col">Storage pool</th>
            <th scope="col">Member</th>
            <th scope="col">Usage</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((pool, index) => (
            <tr key={`${pool.name} ${pool.member} ${index}`}>
              <th scope="row">
                <bdi>{visible(pool.name)}</bdi>
              </th>
              <td>
                {pool.member === "" ? (
                  <span className="u-text--muted">Shared</span>
                ) : (
                  <bdi>{visible(pool.member)}</bdi>
                )}
              </td>
              <td>
                <Meter
                  label={visible(`${pool.name} ${pool.member}`)}
                  usage={pool.usage}
                  total={pool.total}
                  threshold={cluster.disk_threshold}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < pools.length && (
        <Button
          onClick={() => {
            setShowsAll(true);
          }}
        >
          Show all {pools.length} storage pools
        </Button>
      )}
    </>
  );
}
