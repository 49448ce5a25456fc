// Actions on the selected clusters.
import type { ReactNode } from "react";
import type { ClusterActions } from "../../actions/useClusterActions";
import { count, number } from "../../format/count";
import { Button } from "../../kit";
import { filterBody, isFiltered, type ListFilter } from "../../url/listState";
import type { Selection } from "../../components/useSelection";

interface Props {
  selection: Selection;
  actions: ClusterActions;
  /** The filter of the list, and the number of clusters that match it. */
  filter: ListFilter;
  total: number;
}

export function BulkBar({ selection, actions, filter, total }: Props): ReactNode {
  const { names } = selection;
  return (
    <div className="bulk-bar">
      <span role="status">{names.length > 0 && `${count(names.length, "cluster")} selected`}</span>
      {names.length > 0 && (
        <>
          <Button
            dense
            onClick={() => {
              actions.configure({ names });
            }}
          >
            Configure
          </Button>
          <Button
            dense
            onClick={() => {
              actions.remove(names);
            }}
          >
            Remove
          </Button>
          {total > names.length && (
            <Button
              dense
              onClick={() => {
                actions.configure({ filter: filterBody(filter), total });
              }}
            >
              Configure all {number(total)} {isFiltered(filter) ? "matching clusters" : "clusters"}
            </Button>
          )}
          <Button appearance="link" onClick={selection.clear}>
            Clear selection
          </Button>
        </>
      )}
    </div>
  );
}
