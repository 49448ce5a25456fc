// One hook for each change. What it affects is fetched again immediately.
import { useMutation, useQueryClient, type QueryKey, type UseMutationResult } from "@tanstack/react-query";
import { path, request } from "./client";
import { ApiError, explain, hasStatus } from "./errors";
import { keys } from "./keys";
import type { BulkRequest, BulkResult, ClusterChange, CreatedJoinToken, NewJoinToken } from "./types";

const AFFECTED_BY_CLUSTERS: QueryKey[] = [keys.clusters, keys.anyCluster, keys.fleet, keys.events];
// One's own session may be the one that ended.
const AFFECTED_BY_SESSIONS: QueryKey[] = [keys.me, keys.sessions, keys.events];
const AFFECTED_BY_TOKENS: QueryKey[] = [keys.tokens, keys.events];

export function useConfigureCluster(name: string): UseMutationResult<unknown, Error, ClusterChange> {
  return useChange(
    (change: ClusterChange) => request("PATCH", path("remote-cluster", name), change),
    AFFECTED_BY_CLUSTERS,
  );
}

export function useBulk(): UseMutationResult<BulkResult[], Error, BulkRequest> {
  return useChange(
    (body: BulkRequest) => request<BulkResult[]>("POST", path("remote-cluster-bulk"), body),
    AFFECTED_BY_CLUSTERS,
  );
}

export function useCreateToken(): UseMutationResult<CreatedJoinToken, Error, NewJoinToken> {
  return useChange(
    (token: NewJoinToken) => request<CreatedJoinToken>("POST", path("remote-cluster-join-token"), token),
    AFFECTED_BY_TOKENS,
  );
}

/** Ends a session. One that has already ended is no failure. */
export function useEndSession(): UseMutationResult<unknown, Error, string> {
  return useChange<unknown, string>(async (id) => {
    try {
      await request("DELETE", path("session", id));
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }, AFFECTED_BY_SESSIONS);
}

/** Revokes one token after another, because the API has no bulk request for tokens; returns a result for each. */
export function useRevokeTokens(): UseMutationResult<BulkResult[], Error, string[]> {
  return useChange(revokeAll, AFFECTED_BY_TOKENS);
}

async function revokeAll(names: string[]): Promise<BulkResult[]> {
  const results: BulkResult[] = [];
  for (const name of names) {
    const error = await request("DELETE", path("remote-cluster-join-token", name)).then(
      () => null,
      (caught: unknown) => caught,
    );
    results.push(resultOf(name, error));
  }
  return results;
}

function useChange<T, V>(
  change: (variables: V) => Promise<T>,
  affected: QueryKey[],
): UseMutationResult<T, Error, V> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    // Also after a failure: the change may have been made although the response was lost.
    onSettled: () => {
      for (const queryKey of affected) void client.invalidateQueries({ queryKey });
    },
  });
}

function resultOf(name: string, error: unknown): BulkResult {
  if (error === null) return { name, status_code: 200, error: "" };
  return { name, status_code: error instanceof ApiError ? error.status : 503, error: explain(error) };
}
