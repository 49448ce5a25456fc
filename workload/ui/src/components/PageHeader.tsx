// A page's title, the age of its data, and its actions.
import type { ReactNode } from "react";

interface Props {
  title: ReactNode;
  freshness?: ReactNode;
  children?: ReactNode;
}

export function PageHeader({ title, freshness, children }: Props): ReactNode {
  return (
    <header className="page-header">
      <h1 className="p-heading--4 page-header__title">{title}</h1>
      {freshness}
      <div className="page-header__actions">{children}</div>
    </header>
  );
}
