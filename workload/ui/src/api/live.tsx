// Keeps what is shown up to date: by the stream of changes, else by polling.
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, use, useEffect, useState, type ReactNode } from "react";
import { followChanges } from "./changes";
import { keys } from "./keys";
import { Throttle } from "./throttle";

/** A page is asked for again at most this often. */
const REFETCH_EVERY_MS = 2_000;
/** Reports of clusters that are not in sight can still change the totals and the order. */
const UNSEEN_EVERY_MS = 10_000;

/** Without the stream. */
export const POLL_EVERY_MS = 15_000;

const Live = createContext(false);

/** Whether changes arrive as they happen. */
export function useIsLive(): boolean {
  return use(Live);
}

/** How often what is shown is asked for again whatever the stream says: seldom while it stands, since a stream can
 * die without a sound. */
export function useRefetchInterval(): number {
  return useIsLive() ? 30_000 : POLL_EVERY_MS;
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
  const soon = new Throttle(REFETCH_EVERY_MS, refetch);
  const later = new Throttle(UNSEEN_EVERY_MS, refetch);
  const stop = followChanges({
    onLive,
    onChange: soon.ask,
    onReported: (uids) => {
      if (uids === null || uids.some((uid) => isShown(client, uid))) soon.ask();
      else later.ask();
    },
    onRefused: () => void client.invalidateQueries({ queryKey: keys.me }),
  });
  return () => {
    stop();
    soon.cancel();
    later.cancel();
  };
}

function isShown(client: QueryClient, uid: string): boolean {
  const shown = client
    .getQueryCache()
    .findAll({ type: "active" })
    .filter(({ queryKey: [kind] }) => kind === keys.clusters[0] || kind === keys.anyCluster[0]);
  return shown.some(({ state }) => holds(state.data, uid));
}

function holds(data: unknown, uid: string): boolean {
  if (typeof data !== "object" || data === null) return false;
  if ("items" in data && Array.isArray(data.items))
    return data.items.some((item: unknown) => holds(item, uid));
  return "uid" in data && data.uid === uid;
}
