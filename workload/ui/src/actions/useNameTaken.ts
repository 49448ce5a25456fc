// Checks whether a name is taken while it is typed. Creating the token checks again, and only that check is binding.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { path, request } from "../api/client";
import { serverNow } from "../api/clock";
import { hasStatus } from "../api/errors";
import { useTokens } from "../api/queries";
import { nameProblem } from "./clusterName";

const DEBOUNCE_MS = 300;

/** A message if the name is taken; null if it is not known to be taken. */
export function useNameTaken(name: string): string | null {
  const checkedName = useDebounced(name);
  const tokens = useTokens().data ?? [];
  const cluster = useQuery({
    queryKey: ["name-taken", checkedName],
    // A URL path cannot contain these two segments, however they are encoded.
    enabled: nameProblem(checkedName) === null && checkedName !== "." && checkedName !== "..",
    queryFn: ({ signal }) => exists(checkedName, signal),
  });
  const hasToken = tokens.some(
    (token) => token.cluster_name === name && Date.parse(token.expiry) > serverNow(),
  );
  if (hasToken) return "A join token for this name already exists. Revoke it or choose another name.";
  return checkedName === name && cluster.data === true ? "A cluster with this name already exists." : null;
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

function useDebounced(value: string): string {
  const [debounced, setDebounced] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      setDebounced(value);
    }, DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [value]);
  return debounced;
}
