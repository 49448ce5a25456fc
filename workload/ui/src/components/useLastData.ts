// The last data that was loaded, whichever query it belongs to.
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";

interface LastData<T> {
  data: T | undefined;
  at: number;
}

export function useLastData<T>({ data, dataUpdatedAt }: UseQueryResult<T>): LastData<T> {
  const [last, setLast] = useState<LastData<T>>({ data, at: dataUpdatedAt });
  // Placeholder data has no time of its own.
  if (data !== undefined && dataUpdatedAt > last.at) setLast({ data, at: dataUpdatedAt });
  return last;
}
