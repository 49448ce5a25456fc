// Shown when a page fails, mostly because its code cannot be loaded during an outage or after an upgrade.
import type { ReactNode } from "react";
import { Button } from "../kit";
import { Message } from "../components/states";

export function BrokenPage(): ReactNode {
  return (
    <main className="broken-page">
      <title>Cluster Manager</title>
      <Message
        isPage
        title="This page cannot be displayed"
        action={
          <Button
            appearance="positive"
            onClick={() => {
              location.reload();
            }}
          >
            Reload page
          </Button>
        }
      >
        Cluster Manager may have been upgraded, or it cannot be reached.
      </Message>
    </main>
  );
}
