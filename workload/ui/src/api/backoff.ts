// The delay before the next retry.

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;

/** Doubles from 1 s to 30 s, minus up to 20% at random, so that browsers do not all retry at the same time. */
export function backoff(failures: number, random: () => number = Math.random): number {
  const delay = Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1), MAX_DELAY_MS);
  return Math.round(delay * (1 - random() / 5));
}
