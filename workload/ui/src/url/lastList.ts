// The address of the list of clusters that was shown last in this browser tab, with its filters, for the way back to it.

const KEY = "cluster-list";

export function rememberList(search: string): void {
  try {
    sessionStorage.setItem(KEY, search);
  } catch {
    // Storage can be turned off. The way back then leads to the whole list.
  }
}

export function lastListPath(): string {
  try {
    return `/clusters${sessionStorage.getItem(KEY) ?? ""}`;
  } catch {
    return "/clusters";
  }
}
