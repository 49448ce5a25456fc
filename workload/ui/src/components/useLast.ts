// The last answer that there was, whichever question it was to.
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";

interface Last<T> {
  data: T | undefined;
  at: number;
}

export function useLast<T>({ data, dataUpdatedAt }: UseQueryResult<T>): Last<T> {
  const [last, setLast] = useState<Last<T>>({ data, at: dataUpdatedAt });
  // What stands in for an answer that is not there yet has no time of its own.
  if (data !== undefined && dataUpdatedAt > last.at) setLast({ data, at: dataUpdatedAt });
  return last;
}
