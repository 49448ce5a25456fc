// The outcome of a bulk request in words.
import type { BulkResult } from "../api/types";
import { count, number } from "../format/count";

export interface Outcome {
  failed: BulkResult[];
  /** A summary in one sentence. */
  text: string;
}

export function outcomeOf(results: BulkResult[], participle: string, noun: string): Outcome {
  const failed = results.filter((result) => result.status_code !== 200);
  const succeeded = results.length - failed.length;
  const text = `${succeeded === 0 ? `No ${noun}s` : count(succeeded, noun)} ${participle}`;
  return { failed, text: failed.length === 0 ? `${text}.` : `${text}, ${number(failed.length)} failed.` };
}

/** The same if the response contains failures only, so that the number of successes is not known. */
export function outcomeOfFailures(failed: BulkResult[], participle: string, noun: string): Outcome {
  const text = `All matching ${noun}s were ${participle}`;
  return failed.length === 0
    ? { failed, text: `${text}.` }
    : { failed, text: `${text}, except ${count(failed.length, noun)}.` };
}

export function reason(result: BulkResult): string {
  if (result.status_code === 404) return "it no longer exists";
  return result.error === "" ? `HTTP status ${result.status_code}` : result.error;
}
