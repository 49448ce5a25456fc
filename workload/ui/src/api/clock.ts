// The hub's clock, taken from its responses. It is only used to show relative times: the hub alone judges health.

let offset = 0;

/** Takes the `Date` header of a response. It has whole seconds, so differences below 2 s are ignored. */
export function setServerTime(header: string | null, localNow = Date.now()): void {
  const server = Date.parse(header ?? "");
  if (Number.isNaN(server)) return;
  const difference = server - localNow;
  offset = Math.abs(difference) < 2_000 ? 0 : difference;
}

/** Now by the hub's clock, in milliseconds since 1970. */
export function serverNow(localNow = Date.now()): number {
  return localNow + offset;
}
