// Shown when the session ends while a page is open. The page stays behind the dialog until the reader signs in.
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
      <p>Sign in to return to this page.</p>
    </Dialog>
  );
}
