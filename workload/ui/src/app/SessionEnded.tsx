// The session has ended while a page was open: nothing of the page is lost until the person goes to sign in.
import type { ReactNode } from "react";
import { useLocation } from "react-router";
import { Dialog } from "../components/Dialog";
import { signInUrl } from "./session";

export function SessionEnded(): ReactNode {
  const { pathname, search } = useLocation();
  return (
    <Dialog
      title="Your session has ended"
      buttons={
        <a className="p-button--positive" href={signInUrl(`/ui${pathname}${search}`)}>
          Sign in again
        </a>
      }
    >
      <p>Sign in to go on. You come back to this page.</p>
    </Dialog>
  );
}
