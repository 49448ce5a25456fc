import type { ReactNode } from "react";
import type { ClusterSummary } from "../../api/upcoming";
export function RowActions(_: { cluster: ClusterSummary }): ReactNode {
  return null;
}
