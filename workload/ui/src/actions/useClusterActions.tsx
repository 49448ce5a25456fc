// Configuring and removing clusters from any page. The page owns the open panel, because rows can disappear.
import { useState, type ReactNode } from "react";
import { ConfigurePanel, type CurrentConfiguration, type Targets } from "./ConfigurePanel";
import { RemoveClusters } from "./RemoveClusters";

export interface ClusterActions {
  configure: (targets: Targets, current?: CurrentConfiguration) => void;
  remove: (names: string[]) => void;
  /** The open panel or dialog, to be rendered anywhere on the page. */
  view: ReactNode;
}

type Open =
  | { kind: "configure"; targets: Targets; current: CurrentConfiguration | undefined }
  | { kind: "remove"; names: string[] };

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
