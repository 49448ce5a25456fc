// One page of the audit trail.
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Event } from "../../api/types";
import { Ago } from "../../components/Ago";
import { absolute } from "../../format/time";
import { clusterPath } from "../../url/links";
import { actionWords, actorWords, differences } from "./words";

export function EventTable({ events }: { events: Event[] }): ReactNode {
  return (
    <table className="rows events" aria-label="Events, newest first">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">What</th>
          <th scope="col">Who</th>
          <th scope="col">To what</th>
          <th scope="col" className="events__details">
            Details
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <Row key={event.id} event={event} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ event }: { event: Event }): ReactNode {
  const kind = actorWords(event.actor.kind);
  return (
    <tr>
      <td data-label="When">
        <Ago at={event.at} />
        <small className="rows__second">{absolute(Date.parse(event.at))}</small>
      </td>
      <th scope="row" className="rows__name" data-label="What">
        {actionWords(event.action)}
        {event.count > 1 && <small> {event.count} times</small>}
      </th>
      <td data-label="Who">
        <bdi title={event.actor.id}>{event.actor.name === "" ? event.actor.id : event.actor.name}</bdi>
        {kind !== "" && <small className="rows__second">{kind}</small>}
      </td>
      <td data-label="To what">
        <Subject event={event} />
      </td>
      <td data-label="Details" className="events__details">
        <Details event={event} />
      </td>
    </tr>
  );
}

function Subject({ event }: { event: Event }): ReactNode {
  if (event.cluster_name != null) {
    return (
      <Link to={clusterPath(event.cluster_name)}>
        <bdi>{event.cluster_name}</bdi>
      </Link>
    );
  }
  return <bdi>{event.subject}</bdi>;
}

function Details({ event }: { event: Event }): ReactNode {
  const changed = differences(event);
  return (
    <details>
      <summary>{changed.length === 0 ? "Where from" : changed.map((one) => one.field).join(", ")}</summary>
      <dl className="facts facts--narrow">
        {changed.map(({ field, before, after }) => (
          <div key={field} className="events__change">
            <dt>{field}</dt>
            <dd>
              {before !== null && (
                <del>
                  <span className="u-off-screen">before: </span>
                  <bdi>{before}</bdi>
                </del>
              )}{" "}
              {after !== null && (
                <ins>
                  <span className="u-off-screen">after: </span>
                  <bdi>{after}</bdi>
                </ins>
              )}
            </dd>
          </div>
        ))}
        <dt>Event</dt>
        <dd>
          {event.id}, {event.sealed ? "sealed" : "not sealed yet"}
        </dd>
        {event.address != null && (
          <>
            <dt>Address</dt>
            <dd>{event.address}</dd>
          </>
        )}
        {event.request_id != null && (
          <>
            <dt>Request</dt>
            <dd>
              <code>{event.request_id}</code>
            </dd>
          </>
        )}
      </dl>
    </details>
  );
}
