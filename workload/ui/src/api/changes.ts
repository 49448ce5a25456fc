// Follows the hub's stream of changes and says what should be asked for again.
import { backoff } from "./backoff";

export interface Follower {
  /** Whether the stream stands; while it does not, pages poll. */
  onLive: (live: boolean) => void;
  /** Something was joined, removed, configured or judged, or may have been missed. */
  onChange: () => void;
  /** These clusters reported; null: too many to name. */
  onReported: (uids: string[] | null) => void;
  /** The stream was refused, which a session that has ended may explain. */
  onRefused: () => void;
}

/** Follows until the returned function is called. */
export function followChanges(follower: Follower, open = (url: string) => new EventSource(url)): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let failures = 0;

  const connect = (): void => {
    timer = null;
    const stream = open("/1.0/changes");
    source = stream;
    stream.addEventListener("connected", () => {
      failures = 0;
      follower.onLive(true);
      follower.onChange();
    });
    stream.addEventListener("change", follower.onChange);
    stream.addEventListener("resync", follower.onChange);
    stream.addEventListener("reported", (event: MessageEvent<string>) => {
      follower.onReported(uids(event.data));
    });
    stream.onerror = () => {
      follower.onLive(false);
      // Closed for good only where the answer was no stream; else the browser would come back by itself, but with a
      // delay that is not ours.
      if (stream.readyState === EventSource.CLOSED) follower.onRefused();
      stream.close();
      failures += 1;
      timer ??= setTimeout(connect, backoff(failures));
    };
  };

  connect();
  return () => {
    if (timer !== null) clearTimeout(timer);
    source?.close();
  };
}

function uids(data: string): string[] | null {
  try {
    const parsed = JSON.parse(data) as { uids?: unknown };
    return Array.isArray(parsed.uids) ? parsed.uids.filter((uid) => typeof uid === "string") : null;
  } catch {
    return null;
  }
}
