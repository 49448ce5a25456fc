// A notification. Its title is not a heading, because it can appear anywhere in the page's outline.
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
