// Something to be noticed. Its title is no heading: it stands wherever it is needed, outside of the page's order.
import type { ReactNode } from "react";
import { Notification } from "../kit";

interface Props {
  severity: "caution" | "negative" | "positive";
  title: ReactNode;
  children?: ReactNode;
}

export function Note({ severity, title, children }: Props): ReactNode {
  return (
    <Notification severity={severity} title={title} titleElement="p">
      {children}
    </Notification>
  );
}
