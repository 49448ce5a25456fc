// The cache of responses, and what a failed request means for the whole page.
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { explain, hasStatus, isOutage } from "../api/errors";
import { keys } from "../api/keys";
import { Reachability } from "../api/reachability";

export const reachability = new Reachability(() => void queryClient.refetchQueries({ type: "active" }));

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onSuccess: () => {
      reachability.succeeded();
    },
    onError: (error, query) => {
      if (isOutage(error)) reachability.failed(explain(error));
      else reachability.succeeded();
      if (query.queryKey[0] !== keys.me[0]) checkSession(error);
    },
  }),
  mutationCache: new MutationCache({ onError: checkSession }),
  defaultOptions: {
    queries: {
      // `Reachability` retries for all queries together.
      retry: false,
      // A browser that believes it is offline may still reach the hub on its local network.
      networkMode: "always",
      staleTime: 1_000,
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

/** A response with status 401 means that the session has ended, which concerns every page. */
function checkSession(error: unknown): void {
  if (hasStatus(error, 401)) void queryClient.invalidateQueries({ queryKey: keys.me });
}
