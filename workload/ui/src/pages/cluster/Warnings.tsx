// A cluster's warnings, most severe first, each with advice.
import type { ReactNode } from "react";
import type { Warning } from "../../api/types";
import { Lasting } from "../../components/Ago";
import { adviceFor } from "./advice";
import { visible } from "../../format/text";

export function Warnings({ warnings, name }: { warnings: Warning[]; name: string }): ReactNode {
  if (warnings.length === 0) {
    return (
      <p className="all-well">
        <i className="p-icon--success" aria-hidden="true" /> No warnings.
      </p>
    );
  }
  return (
    <ul className="warnings" aria-label={`Warnings for ${visible(name)}`}>
      {warnings.map((warning) => (
        <li key={`${warning.kind} ${warning.text}`} className={`warnings__one is-${warning.severity}`}>
          <i
            className={warning.severity === "critical" ? "p-icon--error" : "p-icon--warning"}
            aria-hidden="true"
          />
          <div>
            <p className="warnings__text">
              <span className="warnings__severity">{warning.severity}</span> {visible(warning.text)}
              <small>
                {" · "}
                <Lasting since={warning.since} />
              </small>
            </p>
            <p className="warnings__advice">{adviceFor(warning.kind)}</p>
          </div>
        </li>
      ))}
    </ul>
  );
}
