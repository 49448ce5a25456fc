// The hub answers people, but hears no cluster: then silence says nothing about the clusters.
import type { ReactNode } from "react";
import { Note } from "../../components/Note";

export function HubOutage(): ReactNode {
  return (
    <div role="alert">
      <Note severity="caution" title="Cluster Manager accepts no heartbeats at the moment">
        What is shown of the clusters is as they last reported it. None of them is called late or lost for a
        silence that is not its own.
      </Note>
    </div>
  );
}
