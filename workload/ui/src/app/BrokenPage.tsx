// What is shown when a page itself fails: to load, mostly, since the hub is away or has been upgraded.
import type { ReactNode } from "react";
import { Button } from "../kit";
import { Message } from "../components/states";

export function BrokenPage(): ReactNode {
  return (
    <main className="broken-page">
      <title>Cluster Manager</title>
      <Message
        isPage
        title="This page could not be shown"
        action={
          <Button
            appearance="positive"
            onClick={() => {
              location.reload();
            }}
          >
            Load it again
          </Button>
        }
      >
        Cluster Manager may have been upgraded meanwhile, or cannot be reached.
      </Message>
    </main>
  );
}
