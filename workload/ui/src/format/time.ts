// Times and durations as people read them.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const PARTS = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
  timeZoneName: "short",
});

/** A duration in its largest unit, with the next smaller one if the number is small: `3 min 20 s`, `1 d 4 h`, `5 d`. */
export function span(milliseconds: number): string {
  const whole = Math.max(0, milliseconds);
  if (whole < MINUTE) return `${Math.floor(whole / SECOND)} s`;
  if (whole < HOUR) return parts(whole, MINUTE, "min", SECOND, "s", whole < 10 * MINUTE);
  if (whole < DAY) return parts(whole, HOUR, "h", MINUTE, "min", whole < 10 * HOUR);
  return parts(whole, DAY, "d", HOUR, "h", whole < 2 * DAY);
}

/** `5 s ago`, `in 3 d`. A time less than 5 s ahead counts as now, because clocks differ. */
export function relative(time: number, now: number): string {
  const difference = now - time;
  if (difference < -5 * SECOND) return `in ${span(-difference)}`;
  return difference < SECOND ? "just now" : `${span(difference)} ago`;
}

/** `for 2 min`: how long a state has lasted. */
export function lasting(since: number, now: number): string {
  return `for ${span(Math.max(now - since, SECOND))}`;
}

/** Date, time and zone: `2026-11-30 14:05:00 UTC`. */
export function absolute(time: number): string {
  const { hour, minute, second, timeZoneName } = partsOf(time);
  return `${date(time)} ${hour}:${minute}:${second} ${timeZoneName}`;
}

/** `2026-11-30`. */
export function date(time: number): string {
  const { year, month, day } = partsOf(time);
  return `${year}-${month}-${day}`;
}

type DatePart = "year" | "month" | "day" | "hour" | "minute" | "second" | "timeZoneName";

function partsOf(time: number): Record<DatePart, string> {
  const parts = PARTS.formatToParts(time).map(({ type, value }) => [type, value]);
  return Object.fromEntries(parts) as Record<DatePart, string>;
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
