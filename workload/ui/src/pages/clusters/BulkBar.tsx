import type { ReactNode } from "react";
import type { Selection } from "./useSelection";
export function BulkBar(_: { selection: Selection }): ReactNode {
  return null;
}
