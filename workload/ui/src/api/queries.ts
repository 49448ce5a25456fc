// What is read of the API, one hook each.
import { keepPreviousData, queryOptions, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { path, request } from "./client";
import { keys } from "./keys";
import { POLL_EVERY_MS, useRefetchInterval } from "./live";
import type { Cluster, ClusterHistory, JoinToken, SettingView, WhoAmI } from "./types";
import type { ClusterSummary, Event, FleetTotals, Page } from "./types";

/** Who is signed in. */
export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => request<WhoAmI>("GET", "/1.0", undefined, signal),
  staleTime: 60_000,
  // A session that ends is noticed by the next answer; this is for pages that ask for nothing.
  refetchInterval: 300_000,
});

export function useMe(): UseQueryResult<WhoAmI> {
  return useQuery(meQuery);
}

export const fleetQuery = queryOptions({
  queryKey: keys.fleet,
  queryFn: ({ signal }) => request<FleetTotals>("GET", path("fleet"), undefined, signal),
});

/** That nobody hears the clusters is said by no stream. */
const TOTALS_EVERY_MS = 10_000;

export function useFleetTotals(): UseQueryResult<FleetTotals> {
  return useQuery({ ...fleetQuery, refetchInterval: TOTALS_EVERY_MS });
}

export const clusterPageQuery = (query: string) =>
  queryOptions({
    queryKey: keys.clusterPage(query),
    queryFn: ({ signal }) =>
      request<Page<ClusterSummary>>("GET", `${path("remote-cluster")}?${query}`, undefined, signal),
  });

/** One page of the list; the page before stays in sight until it is there. */
export function useClusterPage(query: string): UseQueryResult<Page<ClusterSummary>> {
  return useQuery({
    ...clusterPageQuery(query),
    refetchInterval: useRefetchInterval(),
    placeholderData: keepPreviousData,
  });
}

export function useCluster(name: string): UseQueryResult<Cluster> {
  return useQuery({
    queryKey: keys.cluster(name),
    refetchInterval: useRefetchInterval(),
    queryFn: ({ signal }) => request<Cluster>("GET", path("remote-cluster", name), undefined, signal),
  });
}

/** How a cluster was. A new point comes every five minutes, so nobody need follow it live. */
export function useClusterHistory(name: string, resolution: "5m" | "1h"): UseQueryResult<ClusterHistory> {
  return useQuery({
    queryKey: keys.clusterHistory(name, resolution),
    refetchInterval: 60_000,
    queryFn: ({ signal }) =>
      request<ClusterHistory>(
        "GET",
        `${path("remote-cluster", name, "history")}?resolution=${resolution}`,
        undefined,
        signal,
      ),
    placeholderData: keepPreviousData,
  });
}

/** The stream of changes tells of clusters; tokens and events come and go without it. */
export const UNTOLD_EVERY_MS = POLL_EVERY_MS;

export function useTokens(): UseQueryResult<JoinToken[]> {
  return useQuery({
    queryKey: keys.tokens,
    refetchInterval: UNTOLD_EVERY_MS,
    queryFn: ({ signal }) =>
      request<JoinToken[]>("GET", path("remote-cluster-join-token"), undefined, signal),
  });
}

export function useEventPage(query: string): UseQueryResult<Page<Event>> {
  return useQuery({
    queryKey: keys.eventPage(query),
    refetchInterval: UNTOLD_EVERY_MS,
    queryFn: ({ signal }) => request<Page<Event>>("GET", `${path("event")}?${query}`, undefined, signal),
    placeholderData: keepPreviousData,
  });
}

/** Settings change when a unit is started anew, which no stream tells. */
export const SETTINGS_EVERY_MS = 60_000;

export function useConfiguration(): UseQueryResult<Record<string, SettingView>> {
  return useQuery({
    queryKey: keys.configuration,
    queryFn: ({ signal }) =>
      request<Record<string, SettingView>>("GET", path("configuration"), undefined, signal),
    staleTime: SETTINGS_EVERY_MS,
    refetchInterval: SETTINGS_EVERY_MS,
  });
}
