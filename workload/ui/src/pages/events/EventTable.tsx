// One page of the audit trail.
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Event } from "../../api/types";
import { Ago } from "../../components/Ago";
import { absolute } from "../../format/time";
import { clusterPath, TOKENS_PATH } from "../../url/links";
import { actionWords, actorWords, differences } from "./words";
import { visible } from "../../format/text";

export function EventTable({ events }: { events: Event[] }): ReactNode {
  return (
    <table className="rows events" aria-label="Events, newest first">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Action</th>
          <th scope="col">Actor</th>
          <th scope="col">Subject</th>
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
      <td data-label="Time">
        <Ago at={event.at} />
        <small className="rows__second">{absolute(Date.parse(event.at))}</small>
      </td>
      <th scope="row" className="rows__name" data-label="Action">
        {actionWords(event.action)}
        {event.count > 1 && <small> {event.count} times</small>}
      </th>
      <td data-label="Actor">
        <bdi title={event.actor.id}>
          {visible(event.actor.name === "" ? event.actor.id : event.actor.name)}
        </bdi>
        {kind !== "" && <small className="rows__second">{kind}</small>}
      </td>
      <td data-label="Subject">
        <Subject event={event} />
      </td>
      <td data-label="Details" className="events__details">
        <Details event={event} />
      </td>
    </tr>
  );
}

function Subject({ event }: { event: Event }): ReactNode {
  if (event.cluster_name == null) return <bdi>{visible(event.subject ?? "")}</bdi>;
  // A join token is named after a cluster that may not exist yet.
  const path = event.action.startsWith("token.") ? TOKENS_PATH : clusterPath(event.cluster_name);
  return (
    <>
      <Link to={path}>
        <bdi>{visible(event.cluster_name)}</bdi>
      </Link>
      {event.subject != null && (
        <small className="rows__second">
          <bdi>{visible(event.subject)}</bdi>
        </small>
      )}
    </>
  );
}

function Details({ event }: { event: Event }): ReactNode {
  const changes = differences(event);
  return (
    <details>
      <summary>{changes.length === 0 ? "Source" : changes.map((change) => change.field).join(", ")}</summary>
      <dl className="facts facts--narrow">
        {changes.map(({ field, before, after }) => (
          <div key={field} className="events__change">
            <dt>{field}</dt>
            <dd>
              {before !== null && (
                <del>
                  <span className="u-off-screen">before: </span>
                  <bdi>{visible(before)}</bdi>
                </del>
              )}{" "}
              {after !== null && (
                <ins>
                  <span className="u-off-screen">after: </span>
                  <bdi>{visible(after)}</bdi>
                </ins>
              )}
            </dd>
          </div>
        ))}
        <dt>Event ID</dt>
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
            <dt>Request ID</dt>
            <dd>
              <code>{event.request_id}</code>
            </dd>
          </>
        )}
      </dl>
    </details>
  );
}
