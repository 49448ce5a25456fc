// One page of sessions.
import type { ReactNode } from "react";
import type { Session } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Button } from "../../kit";
import { browserWords } from "./browser";

interface Props {
  sessions: Session[];
  /** Whether the sessions are those of several people. */
  showsPeople: boolean;
  onEnd: (session: Session) => void;
}

export function SessionTable({ sessions, showsPeople, onEnd }: Props): ReactNode {
  return (
    <table className="rows sessions" aria-label="Sessions, newest first">
      <thead>
        <tr>
          <th scope="col" className="sessions__browser">
            Browser
          </th>
          {showsPeople && (
            <th scope="col" className="sessions__person">
              Person
            </th>
          )}
          <th scope="col">Address</th>
          <th scope="col">Signed in</th>
          <th scope="col">Last used</th>
          <th scope="col">Ends if unused</th>
          <th scope="col" className="sessions__actions">
            <span className="u-off-screen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {sessions.map((session) => (
          <Row key={session.id} session={session} showsPeople={showsPeople} onEnd={onEnd} />
        ))}
      </tbody>
    </table>
  );
}

function Row({
  session,
  showsPeople,
  onEnd,
}: {
  session: Session;
  showsPeople: boolean;
  onEnd: (session: Session) => void;
}): ReactNode {
  return (
    <tr>
      <th scope="row" className="rows__name" title={session.user_agent ?? undefined}>
        <bdi>{browserWords(session.user_agent)}</bdi>{" "}
        {session.current && <span className="tag">This session</span>}
      </th>
      {showsPeople && (
        <td data-label="Person">
          <bdi title={session.person.id}>{nameOf(session)}</bdi>
          {session.person.email !== "" && session.person.email !== nameOf(session) && (
            <small className="rows__second">
              <bdi>{session.person.email}</bdi>
            </small>
          )}
        </td>
      )}
      <td data-label="Address">{session.address ?? "Unknown"}</td>
      <td data-label="Signed in">
        <Ago at={session.created_at} />
      </td>
      <td data-label="Last used">
        <Ago at={session.last_used_at} />
      </td>
      <td data-label="Ends if unused">
        <Ago at={session.expires_at} />
      </td>
      <td className="sessions__actions">
        <Button
          dense
          aria-label={`End session of ${nameOf(session)}, ${browserWords(session.user_agent)}`}
          onClick={() => {
            onEnd(session);
          }}
        >
          End session
        </Button>
      </td>
    </tr>
  );
}

export function nameOf({ person }: Session): string {
  return person.name === "" ? person.id : person.name;
}
