// Moments as people read them.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const ABSOLUTE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** A span in its largest unit, with the next one where that matters: `3 min 20 s`, `1 d 4 h`, `5 d`. */
export function span(milliseconds: number): string {
  const whole = Math.max(0, milliseconds);
  if (whole < MINUTE) return `${Math.floor(whole / SECOND)} s`;
  if (whole < HOUR) return parts(whole, MINUTE, "min", SECOND, "s", whole < 10 * MINUTE);
  if (whole < DAY) return parts(whole, HOUR, "h", MINUTE, "min", whole < 10 * HOUR);
  return parts(whole, DAY, "d", HOUR, "h", whole < 2 * DAY);
}

/** `5 s ago`, `in 3 d`. What lies a little ahead is clocks that differ, not the future. */
export function relative(moment: number, now: number): string {
  const difference = now - moment;
  if (difference < -5 * SECOND) return `in ${span(-difference)}`;
  return difference < SECOND ? "just now" : `${span(difference)} ago`;
}

/** Date, time and zone. */
export function absolute(moment: number): string {
  return ABSOLUTE.format(moment);
}

export function date(moment: number): string {
  return DATE.format(moment);
}

function parts(
  whole: number,
  unit: number,
  name: string,
  next: number,
  nextName: string,
  both: boolean,
): string {
  const first = Math.floor(whole / unit);
  const second = Math.floor((whole % unit) / next);
  return both && second > 0 ? `${first} ${name} ${second} ${nextName}` : `${first} ${name}`;
}
