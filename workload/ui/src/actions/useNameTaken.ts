// Asks, while somebody types, whether a name is taken. Creating asks again: only that answer counts.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { path, request } from "../api/client";
import { serverNow } from "../api/clock";
import { hasStatus } from "../api/errors";
import { useTokens } from "../api/queries";
import { nameProblem } from "./clusterName";

const PAUSE_MS = 300;

/** Who has the name, in words; null: nobody, as far as is known. */
export function useNameTaken(name: string): string | null {
  const asked = usePaused(name);
  const tokens = useTokens().data ?? [];
  const cluster = useQuery({
    queryKey: ["name-taken", asked],
    // A path cannot hold these two, whichever way they are encoded.
    enabled: nameProblem(asked) === null && asked !== "." && asked !== "..",
    queryFn: ({ signal }) => exists(asked, signal),
  });
  const hasToken = tokens.some(
    (token) => token.cluster_name === name && Date.parse(token.expiry) > serverNow(),
  );
  if (hasToken) return "A join token for this name exists already. Revoke it first, or choose another name.";
  return asked === name && cluster.data === true ? "A cluster has this name already." : null;
}

async function exists(name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await request("GET", path("remote-cluster", name), undefined, signal);
    return true;
  } catch (error) {
    if (hasStatus(error, 404)) return false;
    throw error;
  }
}

function usePaused(value: string): string {
  const [paused, setPaused] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      setPaused(value);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [value]);
  return paused;
}
