// The age of the data on a page, and how it is updated.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { explain } from "../api/errors";
import { POLL_INTERVAL_MS, useIsLive } from "../api/live";
import { relative, span } from "../format/time";
import { useClock } from "./useClock";

interface Props {
  query: UseQueryResult;
  /** When the data shown was loaded, if it belongs to an earlier query. */
  lastAt?: number;
  /** The polling interval, if the stream of changes does not report changes of this data. */
  pollIntervalMs?: number;
}

export function Freshness({ query, lastAt = 0, pollIntervalMs }: Props): ReactNode {
  const { error } = query;
  const dataUpdatedAt = query.dataUpdatedAt === 0 ? lastAt : query.dataUpdatedAt;
  const isLive = useIsLive() && pollIntervalMs === undefined;
  const age = useClock((now) => relative(dataUpdatedAt, now));
  if (dataUpdatedAt === 0) return null;
  if (error !== null) {
    return (
      <p className="freshness" title={explain(error)}>
        <i className="p-icon--warning" aria-hidden="true" /> Out of date, updated {age}
      </p>
    );
  }
  return (
    <p className="freshness">
      <i className={isLive ? "freshness__live" : "freshness__polling"} aria-hidden="true" />
      {isLive ? "Live" : `Refreshes every ${span(pollIntervalMs ?? POLL_INTERVAL_MS)}`}, updated {age}
    </p>
  );
}
