// What came of a request about many: a sentence over all, and each that failed with its reason.
import type { ReactNode } from "react";
import type { BulkResult } from "../api/types";
import { Note } from "./Note";
import { outcomeOf, outcomeOfAll, reason } from "./bulkResult";

interface Props {
  results: BulkResult[];
  /** As in `3 clusters removed`. */
  verb: string;
  noun: string;
  /** Whether the results are those of failures alone. */
  onlyFailures?: boolean;
}

export function BulkOutcome({ results, verb, noun, onlyFailures = false }: Props): ReactNode {
  const { failed, text } = (onlyFailures ? outcomeOfAll : outcomeOf)(results, verb, noun);
  return (
    <div role="status" className="bulk-outcome">
      <Note severity={failed.length === 0 ? "positive" : "caution"} title={text} />
      {failed.length > 0 && (
        <ul className="name-list" aria-label="Those that failed">
          {failed.map((result) => (
            <li key={result.name}>
              <bdi>{result.name}</bdi>: {reason(result)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
