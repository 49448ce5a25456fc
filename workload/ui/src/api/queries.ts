// One hook for each resource that is read.
import { keepPreviousData, queryOptions, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { path, request } from "./client";
import { keys } from "./keys";
import { POLL_INTERVAL_MS, useRefetchInterval } from "./live";
import type { Cluster, ClusterHistory, JoinToken, Session, SettingView, WhoAmI } from "./types";
import type { ClusterSummary, Event, FleetTotals, Page } from "./types";

/** The account that is signed in. */
export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => request<WhoAmI>("GET", "/1.0", undefined, signal),
  staleTime: 60_000,
  // The next response reveals that a session has ended; this is for pages that request nothing.
  refetchInterval: 300_000,
});

export function useMe(): UseQueryResult<WhoAmI> {
  return useQuery(meQuery);
}

export const fleetQuery = queryOptions({
  queryKey: keys.fleet,
  queryFn: ({ signal }) => request<FleetTotals>("GET", path("fleet"), undefined, signal),
});

/** The stream does not report that the hub has stopped receiving heartbeats. */
const TOTALS_POLL_INTERVAL_MS = 10_000;

export function useFleetTotals(): UseQueryResult<FleetTotals> {
  return useQuery({ ...fleetQuery, refetchInterval: TOTALS_POLL_INTERVAL_MS });
}

export const clusterPageQuery = (query: string) =>
  queryOptions({
    queryKey: keys.clusterPage(query),
    queryFn: ({ signal }) =>
      request<Page<ClusterSummary>>("GET", `${path("remote-cluster")}?${query}`, undefined, signal),
  });

/** One page of the list. The previous page stays visible until it is loaded. */
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

/** The history of a cluster. It grows by a point every 5 min, so it does not follow the stream. */
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

/** The stream reports changes of clusters only, so tokens and events are polled. */
export const TOKENS_AND_EVENTS_POLL_INTERVAL_MS = POLL_INTERVAL_MS;

export function useTokens(): UseQueryResult<JoinToken[]> {
  return useQuery({
    queryKey: keys.tokens,
    refetchInterval: TOKENS_AND_EVENTS_POLL_INTERVAL_MS,
    queryFn: ({ signal }) =>
      request<JoinToken[]>("GET", path("remote-cluster-join-token"), undefined, signal),
  });
}

export function useEventPage(query: string): UseQueryResult<Page<Event>> {
  return useQuery({
    queryKey: keys.eventPage(query),
    refetchInterval: TOKENS_AND_EVENTS_POLL_INTERVAL_MS,
    queryFn: ({ signal }) => request<Page<Event>>("GET", `${path("event")}?${query}`, undefined, signal),
    placeholderData: keepPreviousData,
  });
}

/** One page of sessions, the newest sign-in first. */
export function useSessionPage(query: string): UseQueryResult<Page<Session>> {
  return useQuery({
    queryKey: keys.sessionPage(query),
    refetchInterval: TOKENS_AND_EVENTS_POLL_INTERVAL_MS,
    queryFn: ({ signal }) => request<Page<Session>>("GET", `${path("session")}?${query}`, undefined, signal),
    placeholderData: keepPreviousData,
  });
}

/** Settings change when a unit restarts, which the stream does not report. */
export const SETTINGS_POLL_INTERVAL_MS = 60_000;

export function useConfiguration(): UseQueryResult<Record<string, SettingView>> {
  return useQuery({
    queryKey: keys.configuration,
    queryFn: ({ signal }) =>
      request<Record<string, SettingView>>("GET", path("configuration"), undefined, signal),
    staleTime: SETTINGS_POLL_INTERVAL_MS,
    refetchInterval: SETTINGS_POLL_INTERVAL_MS,
  });
}
