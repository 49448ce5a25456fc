// The outcome of a bulk request: a summary, and the reason of each failure.
import type { ReactNode } from "react";
import type { BulkResult } from "../api/types";
import { Note } from "./Note";
import { outcomeOf, outcomeOfFailures, reason } from "./bulkResult";
import { visible } from "../format/text";

interface Props {
  results: BulkResult[];
  /** The participle in `3 clusters removed`. */
  participle: string;
  noun: string;
  /** Whether the results contain failures only. */
  onlyFailures?: boolean;
}

export function BulkOutcome({ results, participle, noun, onlyFailures = false }: Props): ReactNode {
  const { failed, text } = (onlyFailures ? outcomeOfFailures : outcomeOf)(results, participle, noun);
  return (
    <div role="status" className="bulk-outcome">
      <Note severity={failed.length === 0 ? "positive" : "caution"} title={text} />
      {failed.length > 0 && (
        <ul className="name-list" aria-label="Failures">
          {failed.map((result) => (
            <li key={result.name}>
              <bdi>{visible(result.name)}</bdi>: {visible(reason(result))}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
