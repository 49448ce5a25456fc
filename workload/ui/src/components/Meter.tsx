// Usage as a bar, with the threshold above which there is a warning.
import classNames from "classnames";
import type { ReactNode } from "react";
import { bytesOf } from "../format/bytes";
import { isAbove, percent } from "../format/percent";

interface Props {
  label: string;
  usage: number;
  total: number;
  threshold: number;
}

export function Meter({ label, usage, total, threshold }: Props): ReactNode {
  const share = percent(usage, total);
  if (share === null) return <span className="u-text--muted">Unknown</span>;
  const above = isAbove(usage, total, threshold);
  const amount = bytesOf(usage, total);
  return (
    <div className={classNames("meter", { "is-above": above, "is-critical": above && share > 95 })}>
      <div
        className="meter__bar"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(share, 100)}
        aria-valuetext={`${share}%, ${amount}${above ? `, above the threshold of ${threshold}%` : ""}`}
        title={`${amount}; warning above ${threshold}%`}
      >
        <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
          <rect className="meter__used" width={Math.min(share, 100)} height="6" />
          <rect className="meter__threshold" x={Math.min(threshold, 99.2)} width="0.8" height="6" />
        </svg>
      </div>
      <span className="meter__text">
        {above && <i className="p-icon--warning" aria-hidden="true" />} <b>{share}%</b>{" "}
        <small>{amount}</small>
      </span>
    </div>
  );
}
