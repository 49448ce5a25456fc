// The selected rows of a list, by name, across all of its pages.
import { useState } from "react";

export interface Selection {
  names: string[];
  has: (name: string) => boolean;
  setAll: (names: string[], selected: boolean) => void;
  clear: () => void;
}

export function useSelection(): Selection {
  const [names, setNames] = useState<ReadonlySet<string>>(new Set());
  return {
    names: [...names],
    has: (name) => names.has(name),
    setAll: (changed, selected) => {
      const next = new Set(names);
      for (const name of changed) {
        if (selected) next.add(name);
        else next.delete(name);
      }
      setNames(next);
    },
    clear: () => {
      setNames(new Set());
    },
  };
}
