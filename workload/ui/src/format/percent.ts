// Whole percentages.

/** Rounded up, as the hub does, so that what is above a threshold reads so; of nothing there is no share. */
export function percent(usage: number, total: number): number | null {
  return total > 0 ? Math.ceil((usage * 100) / total) : null;
}

/** Strictly above, as the hub judges it. */
export function isAbove(usage: number, total: number, threshold: number): boolean {
  return total > 0 && usage * 100 > threshold * total;
}
