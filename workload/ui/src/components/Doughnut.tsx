// The number of things in each status, as a ring and as a list.
import type { ReactNode } from "react";
import type { StatusCount } from "../api/types";
import { count, number } from "../format/count";
import { arcs, toneOf } from "./doughnutArcs";
import { visible } from "../format/text";

interface Props {
  title: string;
  noun: string;
  statuses: StatusCount[];
}

/** The radius at which the circumference is 100. */
const RADIUS = 15.9155;

export function Doughnut({ title, noun, statuses }: Props): ReactNode {
  const total = statuses.reduce((sum, status) => sum + status.count, 0);
  return (
    <section className="card" aria-label={title}>
      <h2 className="card__title">{title}</h2>
      {total === 0 ? (
        <p className="u-text--muted">None reported</p>
      ) : (
        <div className="doughnut">
          <svg viewBox="0 0 40 40" className="doughnut__ring" aria-hidden="true">
            {arcs(statuses).map(({ status, start, length }) => (
              <circle
                key={status}
                className={`doughnut__arc tone--${toneOf(status)}`}
                cx="20"
                cy="20"
                r={RADIUS}
                strokeDasharray={`${length} ${100 - length}`}
                strokeDashoffset={25 - start}
              />
            ))}
            <text x="20" y="20" className="doughnut__total">
              {number(total)}
            </text>
          </svg>
          <ul className="doughnut__legend">
            {statuses
              .filter((status) => status.count > 0)
              .map((status) => (
                <li key={status.status}>
                  <i className={`doughnut__mark tone--${toneOf(status.status)}`} aria-hidden="true" />
                  <b>{number(status.count)}</b> <bdi>{visible(status.status)}</bdi>
                </li>
              ))}
            <li className="u-off-screen">{count(total, noun)} in total</li>
          </ul>
        </div>
      )}
    </section>
  );
}
