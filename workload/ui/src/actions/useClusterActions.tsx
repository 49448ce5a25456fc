// Configuring and removing clusters, from wherever. The page holds what is open, not the row: rows come and go.
import { useState, type ReactNode } from "react";
import { ConfigurePanel, type Current, type Targets } from "./ConfigurePanel";
import { RemoveClusters } from "./RemoveClusters";

export interface ClusterActions {
  configure: (targets: Targets, current?: Current) => void;
  remove: (names: string[]) => void;
  /** What is open, to be placed anywhere on the page. */
  view: ReactNode;
}

type Open =
  { kind: "configure"; targets: Targets; current: Current | undefined } | { kind: "remove"; names: string[] };

export function useClusterActions(onRemoved: (names: string[]) => void): ClusterActions {
  const [open, setOpen] = useState<Open | null>(null);
  return {
    configure: (targets, current) => {
      setOpen({ kind: "configure", targets, current });
    },
    remove: (names) => {
      setOpen({ kind: "remove", names });
    },
    view: open === null ? null : <View open={open} onClose={setOpen} onRemoved={onRemoved} />,
  };
}

interface Props {
  open: Open;
  onClose: (open: null) => void;
  onRemoved: (names: string[]) => void;
}

function View({ open, onClose, onRemoved }: Props): ReactNode {
  if (open.kind === "configure") {
    return (
      <ConfigurePanel
        key={JSON.stringify(open.targets)}
        targets={open.targets}
        current={open.current}
        onClose={() => {
          onClose(null);
        }}
      />
    );
  }
  return (
    <RemoveClusters
      names={open.names}
      onClose={(removed) => {
        onClose(null);
        if (removed.length > 0) onRemoved(removed);
      }}
    />
  );
}
