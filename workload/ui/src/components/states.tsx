// Messages that replace the content of a page, or of a part of it.
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useOutage } from "../api/reachability";
import { reachability } from "../app/queryClient";
import { Button, Icon } from "../kit";

interface Props {
  title: string;
  icon?: string;
  children?: ReactNode;
  action?: ReactNode;
  /** Whether the message is the whole page. */
  isPage?: boolean;
}

export function Message({ title, icon, children, action, isPage = false }: Props): ReactNode {
  const Heading = isPage ? "h1" : "h2";
  return (
    <section className="message">
      {icon !== undefined && <Icon name={icon} className="message__icon" />}
      <Heading className="p-heading--4">{title}</Heading>
      <p>{children}</p>
      {action}
    </section>
  );
}

export function NotPermitted({ isPage = false }: { isPage?: boolean }): ReactNode {
  return (
    <div className="page">
      <Message title="You do not have permission to view this" icon="lock-locked" isPage={isPage}>
        Your account has no role that allows it. Ask an administrator of Cluster Manager for a role, then
        reload this page.
      </Message>
    </div>
  );
}

/** Shown instead of every page to an account whose groups the identity provider did not state. */
export function GroupsLeftOut(): ReactNode {
  return (
    <div className="page">
      <Message title="Your groups are unknown" icon="lock-locked" isPage>
        You are in too many groups, so the identity provider left them out when you signed in. Ask an
        administrator to let it send only the groups that Cluster Manager needs, then sign in again.
      </Message>
    </div>
  );
}

export function Unreachable({ isPage = false }: { isPage?: boolean }): ReactNode {
  const outage = useOutage(reachability);
  return (
    <div className="page">
      <Message
        title="Cluster Manager cannot be reached"
        icon="error"
        isPage={isPage}
        action={
          <Button appearance="positive" onClick={reachability.retryNow}>
            Retry
          </Button>
        }
      >
        {outage?.reason} Your clusters are not affected. The connection is retried automatically.
      </Message>
    </div>
  );
}

export function MissingPage(): ReactNode {
  return (
    <div className="page">
      <title>Page not found · Cluster Manager</title>
      <Message
        isPage
        title="Page not found"
        icon="help"
        action={<Link to="/clusters">Go to clusters</Link>}
      />
    </div>
  );
}
