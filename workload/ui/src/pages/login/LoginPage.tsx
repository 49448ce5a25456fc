// The sign-in page. After signing in, the reader continues to the page they asked for.
import type { ReactNode } from "react";
import { Navigate, useSearchParams } from "react-router";
import { hasStatus } from "../../api/errors";
import { useMe } from "../../api/queries";
import { OutageBanner } from "../../app/OutageBanner";
import { safeNext, signInUrl } from "../../app/session";
import logo from "../../assets/logo.svg";

export function LoginPage(): ReactNode {
  const [address] = useSearchParams();
  const me = useMe();
  const next = safeNext(address.get("next"));
  // Already signed in, perhaps in another tab.
  if (me.data !== undefined && me.error === null) return <Navigate to={next.replace(/^\/ui/, "")} replace />;
  return (
    <main className="login">
      <title>Sign in · Cluster Manager</title>
      <OutageBanner />
      <section className="login__card">
        <img src={logo} alt="" width="48" height="48" />
        <h1 className="p-heading--3">Cluster Manager</h1>
        <p>All your MicroCloud and LXD clusters in one place.</p>
        <a
          className="p-button--positive login__button"
          href={signInUrl(next)}
          aria-busy={!hasStatus(me.error, 401)}
        >
          Sign in
        </a>
      </section>
    </main>
  );
}
