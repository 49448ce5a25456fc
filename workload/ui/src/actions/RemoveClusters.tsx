// Removes one or more clusters after confirmation.
import type { ReactNode } from "react";
import { useBulk } from "../api/mutations";
import { RemoveDialog } from "../components/RemoveDialog";

interface Props {
  names: string[];
  /** Receives the names of the clusters that no longer exist. */
  onClose: (removed: string[]) => void;
}

export function RemoveClusters({ names, onClose }: Props): ReactNode {
  const removal = useBulk();
  const removed = (removal.data ?? []).filter((result) => [200, 404].includes(result.status_code));
  return (
    <RemoveDialog
      names={names}
      noun="cluster"
      words={{ verb: "Remove", participle: "removed", failure: "Cluster removal failed" }}
      removal={removal}
      onConfirm={() => {
        removal.mutate({ action: "remove", names });
      }}
      onClose={() => {
        onClose(removed.map((result) => result.name));
      }}
    >
      <p>
        {names.length === 1
          ? "Cluster Manager deletes its record of this cluster and refuses its heartbeats. The cluster itself keeps working. To enrol it again, create a new join token."
          : "Cluster Manager deletes its records of these clusters and refuses their heartbeats. The clusters themselves keep working. To enrol them again, create new join tokens."}
      </p>
    </RemoveDialog>
  );
}
