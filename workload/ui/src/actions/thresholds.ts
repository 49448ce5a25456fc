// What is entered as a threshold.

/** A whole percentage; null: nothing was entered, which leaves it as it is. Undefined: it is none. */
export function parseThreshold(text: string): number | null | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const number = /^\d{1,3}$/.test(trimmed) ? Number(trimmed) : 101;
  return number <= 100 ? number : undefined;
}

export const THRESHOLD_PROBLEM = "A whole number from 0 to 100.";
