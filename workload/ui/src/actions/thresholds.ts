// Parses thresholds that people enter.

/** A whole percentage; null if the text is empty, undefined if it is invalid. */
export function parseThreshold(text: string): number | null | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const number = /^\d{1,3}$/.test(trimmed) ? Number(trimmed) : 101;
  return number <= 100 ? number : undefined;
}

export const THRESHOLD_PROBLEM = "Enter a whole number from 0 to 100.";
