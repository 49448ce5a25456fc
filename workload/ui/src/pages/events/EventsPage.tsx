import type { ReactNode } from "react";
export function EventsPage(): ReactNode {
  return null;
}
