// Until when a token works: one of the usual spans, or a moment of one's own.

export const PRESETS = [
  { value: "1", label: "1 hour" },
  { value: "24", label: "1 day" },
  { value: "168", label: "1 week" },
  { value: "720", label: "30 days" },
] as const;
export const OWN = "own";
export const USUAL = "24";

/** The moment in RFC 3339. Null: what was entered is none, or is past. */
export function expiryOf(preset: string, own: string, now: number): string | null {
  const moment = preset === OWN ? Date.parse(own) : now + Number(preset) * 3_600_000;
  return Number.isNaN(moment) || moment <= now ? null : new Date(moment).toISOString();
}
