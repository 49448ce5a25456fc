// A note that an action failed, and why.
import type { ReactNode } from "react";
import { explain } from "../api/errors";
import { Note } from "./Note";
import { visible } from "../format/text";

export function ErrorNote({ error, title }: { error: unknown; title: string }): ReactNode {
  return (
    <div role="alert">
      {error !== null && (
        <Note severity="negative" title={title}>
          {visible(explain(error))}
        </Note>
      )}
    </div>
  );
}
