// What stands in a page's place when there is nothing else to show, each with its own look.
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
  /** It is all that the page has. */
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
      <Message title="You are not permitted to see this" icon="lock-locked" isPage={isPage}>
        You are signed in, but your account has no role that allows it. Ask an administrator of Cluster
        Manager for one, then load this page again.
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
            Try again
          </Button>
        }
      >
        {outage?.reason} This says nothing about your clusters: they keep working. It is tried again by
        itself.
      </Message>
    </div>
  );
}

export function MissingPage(): ReactNode {
  return (
    <div className="page">
      <title>Not found · Cluster Manager</title>
      <Message
        isPage
        title="There is no such page"
        icon="help"
        action={<Link to="/clusters">To the clusters</Link>}
      />
    </div>
  );
}
