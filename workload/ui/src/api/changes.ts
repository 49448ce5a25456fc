// Follows the hub's stream of changes and reports what should be fetched again.
import { backoff } from "./backoff";

export interface Follower {
  /** Whether the stream is connected; while it is not, pages poll. */
  onLive: (live: boolean) => void;
  /** A cluster joined, was removed or configured, or changed its health; or events may have been missed. */
  onChange: () => void;
  /** These clusters sent a heartbeat; null if there are too many to name. */
  onReported: (uids: string[] | null) => void;
  /** The stream was refused, perhaps because the session has ended. */
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
      follower.onReported(parseUids(event.data));
    });
    stream.onerror = () => {
      follower.onLive(false);
      // The browser closes the stream permanently only if the response was not a stream. Otherwise it would reconnect
      // itself, but with a delay of its own.
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

function parseUids(data: string): string[] | null {
  try {
    const parsed = JSON.parse(data) as { uids?: unknown };
    return Array.isArray(parsed.uids) ? parsed.uids.filter((uid) => typeof uid === "string") : null;
  } catch {
    return null;
  }
}
