// Why what was asked for was not done.
import type { ReactNode } from "react";
import { explain } from "../api/errors";
import { Notification } from "../kit";

export function ErrorNote({ error, title }: { error: unknown; title: string }): ReactNode {
  return (
    <div role="alert">
      {error !== null && (
        <Notification severity="negative" title={title}>
          {explain(error)}
        </Notification>
      )}
    </div>
  );
}
