// How long to wait before the next try.

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** Doubles from a second to half a minute; up to a fifth less, so that many browsers do not come back at once. */
export function backoff(failures: number, random: () => number = Math.random): number {
  const whole = Math.min(FIRST_MS * 2 ** Math.max(0, failures - 1), LONGEST_MS);
  return Math.round(whole * (1 - random() / 5));
}
