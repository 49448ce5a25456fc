// The account that is signed in, and its role.
import { createContext, use } from "react";
import type { Role, WhoAmI } from "../api/types";

const ORDER: Role[] = ["viewer", "operator", "admin"];

export const Session = createContext<WhoAmI | null>(null);

/** The account that is signed in. Only valid inside `Session`. */
export function useSession(): WhoAmI {
  const me = use(Session);
  if (me === null) throw new Error("useSession is called outside of Session");
  return me;
}

export function roleOf(me: WhoAmI): Role | null {
  return ORDER.find((role) => role === me.role) ?? null;
}

export function isAtLeast(role: Role | null, needed: Role): boolean {
  return role !== null && ORDER.indexOf(role) >= ORDER.indexOf(needed);
}

/** Whether the account has at least this role. */
export function useMay(needed: Role): boolean {
  return isAtLeast(roleOf(useSession()), needed);
}

/** The address of the sign-in, which returns to `next`. */
export function signInUrl(next: string): string {
  return `/oidc/login?next=${encodeURIComponent(next)}`;
}

/** Accepts only pages of this UI, so that a link cannot redirect people to another site. */
export function safeNext(next: string | null): string {
  return next !== null && /^\/ui\/(?!\/)[^\\]*$/.test(next) && !next.startsWith("/ui/login")
    ? next
    : "/ui/clusters";
}
