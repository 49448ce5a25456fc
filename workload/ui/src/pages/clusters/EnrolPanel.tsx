import type { ReactNode } from "react";
export function EnrolPanel(_: { onClose: () => void }): ReactNode {
  return null;
}
