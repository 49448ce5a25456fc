// Converts between RFC 3339 and the value of a date-and-time field, which is in the browser's time zone.

/** The value of the field; empty for an invalid time. */
export function toField(time: string): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return "";
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The time in RFC 3339; empty for an empty field. */
export function fromField(field: string): string {
  const at = Date.parse(field);
  return Number.isNaN(at) ? "" : new Date(at).toISOString();
}
