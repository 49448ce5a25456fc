// The table of join tokens. The API returns all of them at once; the table shows them in steps.
import { useState, type ReactNode } from "react";
import { serverNow } from "../../api/clock";
import type { JoinToken } from "../../api/types";
import { Ago } from "../../components/Ago";
import { RowCheckbox } from "../../components/RowCheckbox";
import { useClock } from "../../components/useClock";
import type { Selection } from "../../components/useSelection";
import { count, number } from "../../format/count";
import { Button } from "../../kit";
import { visible } from "../../format/text";

interface Props {
  tokens: JoinToken[];
  selection: Selection | null;
  onRevoke: (names: string[]) => void;
}

const TOKENS_PER_STEP = 100;

export function TokenTable({ tokens, selection, onRevoke }: Props): ReactNode {
  const [limit, setLimit] = useState(TOKENS_PER_STEP);
  // Newest first.
  const shown = tokens.toReversed().slice(0, limit);
  const names = shown.map((token) => token.cluster_name);
  const selected = names.filter((name) => selection?.has(name) === true).length;
  return (
    <>
      <table className="rows tokens" aria-label="Join tokens">
        <thead>
          <tr>
            {selection !== null && (
              <th scope="col" className="rows__select">
                <RowCheckbox
                  label="Select all shown tokens"
                  checked={selected === names.length}
                  isPartly={selected > 0 && selected < names.length}
                  onChange={(checked) => {
                    selection.setAll(names, checked);
                  }}
                />
              </th>
            )}
            <th scope="col">Cluster name</th>
            <th scope="col">Description</th>
            <th scope="col">Expires</th>
            <th scope="col">Created</th>
            {selection !== null && (
              <th scope="col" className="tokens__actions">
                <span className="u-off-screen">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map((token) => (
            <tr key={token.cluster_name}>
              {selection !== null && (
                <td className="rows__select">
                  <RowCheckbox
                    label={`Select ${visible(token.cluster_name)}`}
                    checked={selection.has(token.cluster_name)}
                    onChange={(checked) => {
                      selection.setAll([token.cluster_name], checked);
                    }}
                  />
                </td>
              )}
              <th scope="row" className="rows__name">
                <bdi>{visible(token.cluster_name)}</bdi>
              </th>
              <td data-label="Description">
                <bdi>{visible(token.description)}</bdi>
              </td>
              <td data-label="Expires">
                <Expiry at={token.expiry} />
              </td>
              <td data-label="Created">
                <Ago at={token.created_at} />
              </td>
              {selection !== null && (
                <td className="tokens__actions">
                  <Button
                    dense
                    aria-label={`Revoke token for ${visible(token.cluster_name)}`}
                    onClick={() => {
                      onRevoke([token.cluster_name]);
                    }}
                  >
                    Revoke
                  </Button>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < tokens.length && (
        <Button
          onClick={() => {
            setLimit(limit + TOKENS_PER_STEP);
          }}
        >
          Show more ({number(shown.length)} of {count(tokens.length, "token")} shown)
        </Button>
      )}
    </>
  );
}

function Expiry({ at }: { at: string }): ReactNode {
  const state = useClock((now) => (Date.parse(at) <= serverNow(now) ? "Expired" : "Valid"));
  return (
    <span>
      <span className={state === "Expired" ? "tag tag--bad" : "tag"}>{state}</span> <Ago at={at} />
    </span>
  );
}
