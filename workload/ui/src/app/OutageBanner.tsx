// The hub does not answer: since when, why, when it is tried again. What was shown stays below.
import type { ReactNode } from "react";
import { useOutage } from "../api/reachability";
import { useSecond } from "../components/useSecond";
import { span } from "../format/time";
import { Button } from "../kit";
import { reachability } from "./queryClient";

export function OutageBanner(): ReactNode {
  const outage = useOutage(reachability);
  return (
    <div role="alert" className="outage">
      {outage !== null && (
        <div className="outage__banner">
          <i className="p-icon--error" aria-hidden="true" />
          <p>
            <strong>{outage.reason}</strong> What you see may be out of date.{" "}
            <NextTry at={outage.nextTryAt} />
          </p>
          <Button dense onClick={reachability.retryNow}>
            Try now
          </Button>
        </div>
      )}
    </div>
  );
}

/** Counts down for the eye; a screen reader would say every second. */
function NextTry({ at }: { at: number }): ReactNode {
  const left = useSecond((now) => Math.max(0, at - now));
  return <span aria-hidden="true">{left < 1_000 ? "Trying…" : `Next try in ${span(left)}.`}</span>;
}
