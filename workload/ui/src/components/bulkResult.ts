// What came of a request about many, in words.
import type { BulkResult } from "../api/types";
import { count } from "../format/count";

export interface Outcome {
  done: number;
  failed: BulkResult[];
  /** One sentence over all. */
  text: string;
}

export function outcomeOf(results: BulkResult[], verb: string, noun: string): Outcome {
  const failed = results.filter((result) => result.status_code !== 200);
  const done = results.length - failed.length;
  if (failed.length === 0) return { done, failed, text: `${count(done, noun)} ${verb}.` };
  const text = `${count(done, noun)} ${verb}, ${count(failed.length, noun)} not.`;
  return { done, failed, text };
}

export function reason(result: BulkResult): string {
  if (result.status_code === 404) return "it no longer exists";
  return result.error === "" ? `HTTP status ${result.status_code}` : result.error;
}
