// How old what a page shows is, and whether it follows by itself.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { explain } from "../api/errors";
import { useIsLive } from "../api/live";
import { relative } from "../format/time";
import { useSecond } from "./useSecond";

export function Freshness({ query }: { query: UseQueryResult }): ReactNode {
  const { dataUpdatedAt, error } = query;
  const isLive = useIsLive() && error === null;
  const age = useSecond((now) => relative(dataUpdatedAt, now));
  if (dataUpdatedAt === 0) return null;
  return (
    <p className="freshness" title={error === null ? undefined : explain(error)}>
      <i
        className={error === null ? (isLive ? "freshness__live" : "freshness__polling") : "p-icon--warning"}
      />
      <span>{error === null ? (isLive ? "Live" : "Every 15 s") : "Out of date"}</span>
      <span className="freshness__age">updated {age}</span>
    </p>
  );
}
