// Configuring and removing clusters, from wherever. The page holds what is open, not the row: rows come and go.
import { useState, type ReactNode } from "react";
import { ConfigurePanel, type Current } from "./ConfigurePanel";
import { RemoveClusters } from "./RemoveClusters";

export interface ClusterActions {
  configure: (names: string[], current?: Current) => void;
  remove: (names: string[]) => void;
  /** What is open, to be placed anywhere on the page. */
  view: ReactNode;
}

type Open =
  { kind: "configure"; names: string[]; current: Current | undefined } | { kind: "remove"; names: string[] };

export function useClusterActions(onRemoved: (names: string[]) => void): ClusterActions {
  const [open, setOpen] = useState<Open | null>(null);
  return {
    configure: (names, current) => {
      setOpen({ kind: "configure", names, current });
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
        key={open.names.join("\n")}
        names={open.names}
        {...(open.current === undefined ? {} : { current: open.current })}
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
