// Keeps pages up to date, by the stream of changes or else by polling.
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, use, useEffect, useState, type ReactNode } from "react";
import { followChanges } from "./changes";
import { keys } from "./keys";
import { Throttle } from "./throttle";

/** The minimum interval between two refetches of a page. */
const REFETCH_INTERVAL_MS = 2_000;
/** The same for heartbeats of clusters that are not shown: they can still change the totals and the order. */
const HIDDEN_REFETCH_INTERVAL_MS = 10_000;

/** The polling interval while the stream is not connected. */
export const POLL_INTERVAL_MS = 15_000;

const Live = createContext(false);

/** Whether changes arrive as they happen. */
export function useIsLive(): boolean {
  return use(Live);
}

/** The polling interval that applies in addition to the stream, because a stream can stop without an error. */
export function useRefetchInterval(): number {
  return useIsLive() ? 30_000 : POLL_INTERVAL_MS;
}

export function LiveUpdates({ children }: { children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const [isLive, setIsLive] = useState(false);
  useEffect(() => follow(client, setIsLive), [client]);
  return <Live value={isLive}>{children}</Live>;
}

function follow(client: QueryClient, onLive: (live: boolean) => void): () => void {
  const refetch = (): void => {
    for (const queryKey of [keys.clusters, keys.anyCluster, keys.fleet, keys.tokens, keys.events]) {
      void client.invalidateQueries({ queryKey });
    }
  };
  const shown = new Throttle(REFETCH_INTERVAL_MS, refetch);
  const hidden = new Throttle(HIDDEN_REFETCH_INTERVAL_MS, refetch);
  const stop = followChanges({
    onLive,
    onChange: shown.trigger,
    onReported: (uids) => {
      if (uids === null || uids.some((uid) => isShown(client, uid))) shown.trigger();
      else hidden.trigger();
    },
    onRefused: () => void client.invalidateQueries({ queryKey: keys.me }),
  });
  return () => {
    stop();
    shown.cancel();
    hidden.cancel();
  };
}

function isShown(client: QueryClient, uid: string): boolean {
  const shown = client
    .getQueryCache()
    .findAll({ type: "active" })
    .filter(({ queryKey: [kind] }) => kind === keys.clusters[0] || kind === keys.anyCluster[0]);
  return shown.some(({ state }) => containsUid(state.data, uid));
}

function containsUid(data: unknown, uid: string): boolean {
  if (typeof data !== "object" || data === null) return false;
  if ("items" in data && Array.isArray(data.items))
    return data.items.some((item: unknown) => containsUid(item, uid));
  return "uid" in data && data.uid === uid;
}
