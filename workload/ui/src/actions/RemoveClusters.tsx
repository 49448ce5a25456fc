// Removes clusters, one or many, after asking.
import type { ReactNode } from "react";
import { useBulk } from "../api/mutations";
import { RemoveDialog } from "../components/RemoveDialog";

interface Props {
  names: string[];
  /** With the names of those that are gone. */
  onClose: (removed: string[]) => void;
}

export function RemoveClusters({ names, onClose }: Props): ReactNode {
  const removal = useBulk();
  const gone = (removal.data ?? []).filter((result) => [200, 404].includes(result.status_code));
  return (
    <RemoveDialog
      names={names}
      noun="cluster"
      verbs={["Remove", "removed"]}
      removal={removal}
      onConfirm={() => {
        removal.mutate({ action: "remove", names });
      }}
      onClose={() => {
        onClose(gone.map((result) => result.name));
      }}
    >
      <p>
        Cluster Manager forgets them and refuses their heartbeats. The clusters themselves keep working; to
        come back, each has to join again with a new token.
      </p>
    </RemoveDialog>
  );
}
