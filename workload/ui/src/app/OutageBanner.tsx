// Shown above the last data while the hub cannot be reached: the reason and the time of the next retry.
import type { ReactNode } from "react";
import { useOutage } from "../api/reachability";
import { useClock } from "../components/useClock";
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
            <strong>{outage.reason}</strong> The data shown may be out of date.{" "}
            <NextRetry at={outage.nextRetryAt} />
          </p>
          <Button dense onClick={reachability.retryNow}>
            Retry now
          </Button>
        </div>
      )}
    </div>
  );
}

/** Hidden from screen readers, which would announce every second of the countdown. */
function NextRetry({ at }: { at: number }): ReactNode {
  const left = useClock((now) => Math.max(0, at - now));
  return <span aria-hidden="true">{left < 1_000 ? "Retrying…" : `Retrying in ${span(left)}.`}</span>;
}
