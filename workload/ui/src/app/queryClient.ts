// How answers are kept and what failures mean to all of them.
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
      if (query.queryKey[0] !== keys.me[0]) askWhetherSignedIn(error);
    },
  }),
  mutationCache: new MutationCache({ onError: askWhetherSignedIn }),
  defaultOptions: {
    queries: {
      // Retrying is the reachability's, one for all.
      retry: false,
      // A browser that thinks that it is offline may still reach its own network.
      networkMode: "always",
      staleTime: 1_000,
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

/** One answer says that the session has ended: then all pages must know. */
function askWhetherSignedIn(error: unknown): void {
  if (hasStatus(error, 401)) void queryClient.invalidateQueries({ queryKey: keys.me });
}
