// Relative times, with date, time and zone on hover.
import type { ReactNode } from "react";
import { serverNow } from "../api/clock";
import { absolute, lasting, relative } from "../format/time";
import { useClock } from "./useClock";

/** A point in time: `2 min ago`, `in 3 d`. */
export function Ago({ at }: { at: string }): ReactNode {
  const time = Date.parse(at);
  const text = useClock((now) => relative(time, serverNow(now)));
  return (
    <time dateTime={at} title={absolute(time)}>
      {text}
    </time>
  );
}

/** How long a state has lasted: `for 2 min`. */
export function Lasting({ since }: { since: string }): ReactNode {
  const start = Date.parse(since);
  const text = useClock((now) => lasting(start, serverNow(now)));
  return (
    <time dateTime={since} title={`Since ${absolute(start)}`}>
      {text}
    </time>
  );
}
