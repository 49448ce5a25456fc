// What the first page will ask for, asked while its files still load.
import { clusterPageQuery, fleetQuery, meQuery } from "../api/queries";
import { listQuery, parseListState } from "../url/listState";
import { queryClient } from "./queryClient";

export function prefetch({ pathname, search }: { pathname: string; search: string }): void {
  // Nothing is shown before this is answered.
  queryClient.query(meQuery).catch(ignored);
  if (!/^\/ui(\/clusters)?\/?$/.test(pathname)) return;
  const list = listQuery(parseListState(new URLSearchParams(search)));
  queryClient.query(clusterPageQuery(list)).catch(ignored);
  queryClient.query(fleetQuery).catch(ignored);
}

function ignored(): void {
  // Whoever needs the answer shows what came of it.
}
