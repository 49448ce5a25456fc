// How old what a page shows is, and whether it follows by itself.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { explain } from "../api/errors";
import { POLL_EVERY_MS, useIsLive } from "../api/live";
import { relative, span } from "../format/time";
import { useSecond } from "./useSecond";

interface Props {
  query: UseQueryResult;
  /** When what is shown was answered, where that was another question. */
  lastAt?: number;
  /** How often it is asked for, in milliseconds, where the stream of changes says nothing about it. */
  every?: number;
}

export function Freshness({ query, lastAt = 0, every }: Props): ReactNode {
  const { error } = query;
  const dataUpdatedAt = query.dataUpdatedAt === 0 ? lastAt : query.dataUpdatedAt;
  const isLive = useIsLive() && every === undefined;
  const age = useSecond((now) => relative(dataUpdatedAt, now));
  if (dataUpdatedAt === 0) return null;
  if (error !== null) {
    return (
      <p className="freshness" title={explain(error)}>
        <i className="p-icon--warning" aria-hidden="true" /> Out of date, from {age}
      </p>
    );
  }
  return (
    <p className="freshness">
      <i className={isLive ? "freshness__live" : "freshness__polling"} aria-hidden="true" />
      {isLive ? "Live" : `Every ${span(every ?? POLL_EVERY_MS)}`}, updated {age}
    </p>
  );
}
