// How long a token is valid: a preset in hours, or a custom date and time.

export const PRESETS = [
  { value: "1", label: "1 hour" },
  { value: "24", label: "1 day" },
  { value: "168", label: "1 week" },
  { value: "720", label: "30 days" },
] as const;
export const CUSTOM = "custom";
export const DEFAULT_PRESET = "24";

/** The expiry in RFC 3339; null if the custom date and time is invalid or not in the future. */
export function expiryOf(preset: string, custom: string, now: number): string | null {
  const expiry = preset === CUSTOM ? Date.parse(custom) : now + Number(preset) * 3_600_000;
  return Number.isNaN(expiry) || expiry <= now ? null : new Date(expiry).toISOString();
}
