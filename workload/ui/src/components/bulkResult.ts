// What came of a request about many, in words.
import type { BulkResult } from "../api/types";
import { count } from "../format/count";

export interface Outcome {
  failed: BulkResult[];
  /** One sentence over all. */
  text: string;
}

export function outcomeOf(results: BulkResult[], verb: string, noun: string): Outcome {
  const failed = results.filter((result) => result.status_code !== 200);
  const done = results.length - failed.length;
  if (failed.length === 0) return { failed, text: `${count(done, noun)} ${verb}.` };
  const text = `${count(done, noun)} ${verb}, ${count(failed.length, noun)} not.`;
  return { failed, text };
}

/** The same where the answer tells of failures alone: how many clusters there were is not known. */
export function outcomeOfAll(failed: BulkResult[], verb: string, noun: string): Outcome {
  const text = `All ${noun}s that match were ${verb}`;
  return failed.length === 0
    ? { failed, text: `${text}.` }
    : { failed, text: `${text}, but for ${count(failed.length, noun)}.` };
}

export function reason(result: BulkResult): string {
  if (result.status_code === 404) return "it no longer exists";
  return result.error === "" ? `HTTP status ${result.status_code}` : result.error;
}
