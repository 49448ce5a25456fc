// Events in words.
import type { ActorKind, Event } from "../../api/types";
import { lookUp } from "../../api/words";

const ACTIONS: Record<string, string> = {
  "cluster.joined": "Cluster joined",
  "cluster.configured": "Cluster configured",
  "cluster.removed": "Cluster removed",
  "cluster.left": "Cluster left",
  "join.refused": "Join refused",
  "token.created": "Join token created",
  "token.revoked": "Join token revoked",
  "sign-in.succeeded": "Signed in",
  "sign-in.refused": "Sign-in refused",
  "sign-out.done": "Signed out",
  "session.ended": "Session ended",
  "request.refused": "Request refused",
  "service-account.created": "Service account created",
  "service-account.revoked": "Service account revoked",
};

export function actionWords(action: string): string {
  return ACTIONS[action] ?? action;
}

const ACTORS: Record<ActorKind, string> = {
  person: "",
  "service-account": "service account",
  "command-line": "command line",
  cluster: "cluster",
  hub: "Cluster Manager",
  unknown: "unknown",
};

/** The kind of an actor; empty for a person, whose name is enough. */
export function actorWords(kind: string): string {
  return lookUp(ACTORS, kind) ?? kind;
}

export interface Difference {
  field: string;
  before: string | null;
  after: string | null;
}

/** The fields that an event changed, with their values before and after. */
export function differences({ before, after }: Pick<Event, "before" | "after">): Difference[] {
  const [old, current] = [fieldsOf(before), fieldsOf(after)];
  const fields = [...new Set([...Object.keys(old), ...Object.keys(current)])];
  return fields
    .map((field) => ({ field, before: text(old[field]), after: text(current[field]) }))
    .filter((difference) => (difference.before ?? "") !== (difference.after ?? ""));
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  return value == null ? {} : { value };
}

function text(value: unknown): string | null {
  if (value == null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}
