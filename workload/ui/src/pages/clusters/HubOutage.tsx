// Shown while the hub receives no heartbeats at all. The clusters' silence then says nothing about them.
import type { ReactNode } from "react";
import { Note } from "../../components/Note";

export function HubOutage(): ReactNode {
  return (
    <div role="alert">
      <Note severity="caution" title="Cluster Manager is not receiving heartbeats">
        The data shown is from the last report of each cluster. No cluster becomes late or lost because of
        this outage.
      </Note>
    </div>
  );
}
