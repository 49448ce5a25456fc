// What can be done with the selected clusters at once.
import type { ReactNode } from "react";
import type { ClusterActions } from "../../actions/useClusterActions";
import { count } from "../../format/count";
import { Button } from "../../kit";
import type { Selection } from "../../components/useSelection";

export function BulkBar({
  selection,
  actions,
}: {
  selection: Selection;
  actions: ClusterActions;
}): ReactNode {
  const { names } = selection;
  return (
    <div className="bulk-bar">
      <span role="status">{names.length > 0 && `${count(names.length, "cluster")} selected`}</span>
      {names.length > 0 && (
        <>
          <Button
            dense
            onClick={() => {
              actions.configure(names);
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
          <Button appearance="link" onClick={selection.clear}>
            Clear selection
          </Button>
        </>
      )}
    </div>
  );
}
