// What changes something, one hook each. What a change touches is asked for again at once.
import { useMutation, useQueryClient, type QueryKey, type UseMutationResult } from "@tanstack/react-query";
import { path, request } from "./client";
import { keys } from "./keys";
import type { BulkRequest, BulkResult, ClusterChange, CreatedJoinToken, NewJoinToken } from "./types";

const AFTER_CLUSTERS: QueryKey[] = [keys.clusters, keys.anyCluster, keys.fleet, keys.events];
const AFTER_TOKENS: QueryKey[] = [keys.tokens, keys.events];

export function useConfigureCluster(name: string): UseMutationResult<unknown, Error, ClusterChange> {
  return useChange(
    (change: ClusterChange) => request("PATCH", path("remote-cluster", name), change),
    AFTER_CLUSTERS,
  );
}

export function useBulk(): UseMutationResult<BulkResult[], Error, BulkRequest> {
  return useChange(
    (wanted: BulkRequest) => request<BulkResult[]>("POST", path("remote-cluster-bulk"), wanted),
    AFTER_CLUSTERS,
  );
}

export function useCreateToken(): UseMutationResult<CreatedJoinToken, Error, NewJoinToken> {
  return useChange(
    (wanted: NewJoinToken) => request<CreatedJoinToken>("POST", path("remote-cluster-join-token"), wanted),
    AFTER_TOKENS,
  );
}

/** Revokes one after the other, since the API takes them so; says what came of each. */
export function useRevokeTokens(): UseMutationResult<BulkResult[], Error, string[]> {
  return useChange(revokeAll, AFTER_TOKENS);
}

async function revokeAll(names: string[]): Promise<BulkResult[]> {
  const results: BulkResult[] = [];
  for (const name of names) {
    const outcome = await request("DELETE", path("remote-cluster-join-token", name)).then(
      () => null,
      (error: unknown) => error,
    );
    results.push(resultOf(name, outcome));
  }
  return results;
}

function useChange<T, V>(
  change: (wanted: V) => Promise<T>,
  after: QueryKey[],
): UseMutationResult<T, Error, V> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    // Also after a failure: the answer may have been lost and not the change.
    onSettled: () => {
      for (const queryKey of after) void client.invalidateQueries({ queryKey });
    },
  });
}

import { ApiError, explain } from "./errors";

function resultOf(name: string, error: unknown): BulkResult {
  if (error === null) return { name, status_code: 200, error: "" };
  return { name, status_code: error instanceof ApiError ? error.status : 503, error: explain(error) };
}
