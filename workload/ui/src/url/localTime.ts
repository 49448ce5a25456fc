// Between a moment and what a date-and-time field holds, which is in the person's own zone.

/** As the field has it; empty for no moment. */
export function toField(moment: string): string {
  const at = Date.parse(moment);
  if (Number.isNaN(at)) return "";
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** In RFC 3339; empty for an empty field. */
export function fromField(field: string): string {
  const at = Date.parse(field);
  return Number.isNaN(at) ? "" : new Date(at).toISOString();
}
