// Who is signed in and what they may do.
import { createContext, use } from "react";
import type { WhoAmI } from "../api/types";

export type Role = "viewer" | "operator" | "admin";

const ORDER: Role[] = ["viewer", "operator", "admin"];

export const Session = createContext<WhoAmI | null>(null);

/** The person; pages are only shown when there is one. */
export function useSession(): WhoAmI {
  const me = use(Session);
  if (me === null) throw new Error("there is no page without a session");
  return me;
}

export function roleOf(me: WhoAmI): Role | null {
  return ORDER.find((role) => role === me.role) ?? null;
}

export function isAtLeast(role: Role | null, needed: Role): boolean {
  return role !== null && ORDER.indexOf(role) >= ORDER.indexOf(needed);
}

/** Whether the person may do what needs this role. */
export function useMay(needed: Role): boolean {
  return isAtLeast(roleOf(useSession()), needed);
}

/** Where to sign in, so that one comes back here. */
export function signInUrl(next: string): string {
  return `/oidc/login?next=${encodeURIComponent(next)}`;
}

/** Only a place of ours: a link must not send people elsewhere. */
export function safeNext(next: string | null): string {
  return next !== null && /^\/ui\/(?!\/)[^\\]*$/.test(next) && !next.startsWith("/ui/login")
    ? next
    : "/ui/clusters";
}
