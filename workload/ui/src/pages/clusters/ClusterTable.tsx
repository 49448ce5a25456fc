// One page of the list of clusters.
import type { ReactNode } from "react";
import type { ClusterSummary } from "../../api/types";
import { RowCheckbox } from "../../components/RowCheckbox";
import type { Sort } from "../../url/listState";
import { ClusterRow } from "./ClusterRow";
import { ariaSort, SortButton } from "./SortButton";
import type { Selection } from "../../components/useSelection";
import type { ListControls } from "./useListState";

const COLUMNS: { className: string; sorts: Sort[] }[] = [
  { className: "clusters__name", sorts: ["name", "description"] },
  { className: "clusters__health", sorts: ["health", "last_heartbeat"] },
  { className: "clusters__counts", sorts: ["members", "instances"] },
  { className: "clusters__cpu", sorts: ["cpu"] },
  { className: "clusters__use", sorts: ["memory"] },
  { className: "clusters__use", sorts: ["storage"] },
  { className: "clusters__warnings", sorts: ["warnings"] },
];

interface Props {
  clusters: ClusterSummary[];
  list: ListControls;
  /** Null if the account may not change clusters, so that there is no reason to select any. */
  selection: Selection | null;
  actions: (cluster: ClusterSummary) => ReactNode;
}

export function ClusterTable({ clusters, list, selection, actions }: Props): ReactNode {
  const names = clusters.map((cluster) => cluster.name);
  const selected = names.filter((name) => selection?.has(name) === true).length;
  return (
    <table className="clusters" aria-label="Clusters">
      <thead>
        <tr>
          {selection !== null && (
            <th scope="col" className="clusters__select">
              <RowCheckbox
                label="Select all on this page"
                checked={selected === names.length && names.length > 0}
                isPartly={selected > 0 && selected < names.length}
                onChange={(checked) => {
                  selection.setAll(names, checked);
                }}
              />
            </th>
          )}
          {COLUMNS.map(({ className, sorts }) => (
            <th scope="col" className={className} key={sorts[0]} aria-sort={ariaSort(sorts, list)}>
              {sorts.map((sort) => (
                <SortButton key={sort} sort={sort} list={list} />
              ))}
            </th>
          ))}
          <th scope="col" className="clusters__actions">
            <span className="u-off-screen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {clusters.map((cluster) => (
          <ClusterRow key={cluster.uid} cluster={cluster} selection={selection} actions={actions(cluster)} />
        ))}
      </tbody>
    </table>
  );
}
