// A cluster's warnings in a table cell: the most severe, and the number of others.
import type { ReactNode } from "react";
import type { Warning } from "../../api/types";
import { visible } from "../../format/text";

export function WarningSummary({ warnings }: { warnings: Warning[] }): ReactNode {
  const [worst, ...others] = warnings;
  if (worst === undefined) return <span className="u-text--muted">None</span>;
  return (
    <>
      <span className="warning-text" title={visible(worst.text)}>
        <SeverityIcon severity={worst.severity} /> {visible(worst.text)}
      </span>
      {others.length > 0 && (
        <small className="clusters__second" title={others.map((warning) => warning.text).join("\n")}>
          and {others.length} more
        </small>
      )}
    </>
  );
}

export function SeverityIcon({ severity }: { severity: string }): ReactNode {
  return (
    <>
      <i className={severity === "critical" ? "p-icon--error" : "p-icon--warning"} aria-hidden="true" />
      <span className="u-off-screen">{severity}: </span>
    </>
  );
}
