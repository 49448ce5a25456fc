// A moment: relative, with date, time and zone on hover.
import type { ReactNode } from "react";
import { serverNow } from "../api/clock";
import { absolute, relative } from "../format/time";
import { useSecond } from "./useSecond";

export function Ago({ at }: { at: string }): ReactNode {
  const moment = Date.parse(at);
  const text = useSecond((now) => relative(moment, serverNow(now)));
  return (
    <time dateTime={at} title={absolute(moment)}>
      {text}
    </time>
  );
}
