// Whole percentages.

/** Rounded up, as the hub does, so that a value above a threshold also reads as above it; null if the total is 0. */
export function percent(usage: number, total: number): number | null {
  return total > 0 ? Math.ceil((usage * 100) / total) : null;
}

/** Strictly above, as in the hub's own rule. */
export function isAbove(usage: number, total: number, threshold: number): boolean {
  return total > 0 && usage * 100 > threshold * total;
}
