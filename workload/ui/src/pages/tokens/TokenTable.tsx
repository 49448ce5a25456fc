// The tokens, a screenful at a time: the API gives them all at once.
import { useState, type ReactNode } from "react";
import { serverNow } from "../../api/clock";
import type { JoinToken } from "../../api/types";
import { Ago } from "../../components/Ago";
import { RowCheckbox } from "../../components/RowCheckbox";
import { useSecond } from "../../components/useSecond";
import type { Selection } from "../../components/useSelection";
import { count } from "../../format/count";
import { Button } from "../../kit";

interface Props {
  tokens: JoinToken[];
  selection: Selection | null;
  onRevoke: (names: string[]) => void;
}

const AT_ONCE = 100;

export function TokenTable({ tokens, selection, onRevoke }: Props): ReactNode {
  const [limit, setLimit] = useState(AT_ONCE);
  // The newest are those that people look for.
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
                  label="Select all tokens shown"
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
            <th scope="col">Expiry</th>
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
                    label={`Select ${token.cluster_name}`}
                    checked={selection.has(token.cluster_name)}
                    onChange={(checked) => {
                      selection.setAll([token.cluster_name], checked);
                    }}
                  />
                </td>
              )}
              <th scope="row" className="rows__name">
                <bdi>{token.cluster_name}</bdi>
              </th>
              <td data-label="Description">
                <bdi>{token.description}</bdi>
              </td>
              <td data-label="Expiry">
                <Expiry at={token.expiry} />
              </td>
              <td data-label="Created">
                <Ago at={token.created_at} />
              </td>
              {selection !== null && (
                <td className="tokens__actions">
                  <Button
                    dense
                    aria-label={`Revoke the token for ${token.cluster_name}`}
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
            setLimit(limit + AT_ONCE);
          }}
        >
          Show more of {count(tokens.length, "token")}
        </Button>
      )}
    </>
  );
}

function Expiry({ at }: { at: string }): ReactNode {
  const isExpired = useSecond((now) => (Date.parse(at) <= serverNow(now) ? "expired" : "live")) === "expired";
  return (
    <span>
      <span className={isExpired ? "tag tag--bad" : "tag"}>{isExpired ? "Expired" : "Live"}</span>{" "}
      <Ago at={at} />
    </span>
  );
}
