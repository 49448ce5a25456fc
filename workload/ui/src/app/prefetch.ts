// Requests the data of the first page while its code still loads.
import { clusterPageQuery, fleetQuery, meQuery } from "../api/queries";
import { listQuery, parseListState } from "../url/listState";
import { queryClient } from "./queryClient";

export function prefetch({ pathname, search }: { pathname: string; search: string }): void {
  // No page is shown before this response arrives.
  queryClient.query(meQuery).catch(ignored);
  if (!/^\/ui(\/clusters)?\/?$/.test(pathname)) return;
  const list = listQuery(parseListState(new URLSearchParams(search)));
  queryClient.query(clusterPageQuery(list)).catch(ignored);
  queryClient.query(fleetQuery).catch(ignored);
}

function ignored(): void {
  // The component that uses the response shows the error.
}
