// A placeholder for content that is being loaded.
import type { ReactNode } from "react";

export function PageSkeleton(): ReactNode {
  return (
    <div className="page skeleton-page">
      <Skeleton rows={8} label="Loading page" />
    </div>
  );
}

export function Skeleton({ rows, label }: { rows: number; label: string }): ReactNode {
  return (
    <div className="skeleton" role="status">
      <span className="u-off-screen">{label}</span>
      {Array.from({ length: rows }, (_, row) => (
        <span className="skeleton__row" key={row} aria-hidden="true" />
      ))}
    </div>
  );
}
