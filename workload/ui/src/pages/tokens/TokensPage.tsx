// The join tokens that have not been used.
import { useState, type ReactNode } from "react";
import { useEnrolment } from "../../actions/useEnrolment";
import { useRevokeTokens } from "../../api/mutations";
import { TOKENS_AND_EVENTS_POLL_INTERVAL_MS, useTokens } from "../../api/queries";
import type { JoinToken } from "../../api/types";
import { useMay } from "../../app/session";
import { Freshness } from "../../components/Freshness";
import { Loaded } from "../../components/Loaded";
import { PageHeader } from "../../components/PageHeader";
import { RemoveDialog } from "../../components/RemoveDialog";
import { Skeleton } from "../../components/Skeleton";
import { Message } from "../../components/states";
import { count } from "../../format/count";
import { Button } from "../../kit";
import { useSelection, type Selection } from "../../components/useSelection";
import { TokenTable } from "./TokenTable";

export function TokensPage(): ReactNode {
  const query = useTokens();
  const enrolment = useEnrolment();
  const mayChange = useMay("operator");
  const selection = useSelection();
  const [revoking, setRevoking] = useState<string[] | null>(null);
  return (
    <div className="page">
      <title>Join tokens · Cluster Manager</title>
      <PageHeader
        title="Join tokens"
        freshness={<Freshness query={query} pollIntervalMs={TOKENS_AND_EVENTS_POLL_INTERVAL_MS} />}
      >
        {enrolment.button}
      </PageHeader>
      <Loaded query={query} loading={<Skeleton rows={6} label="Loading join tokens" />}>
        {(tokens) =>
          tokens.length === 0 ? (
            <Message title="No join tokens" icon="security" action={enrolment.button}>
              A join token lets one cluster join. It disappears from this list once it has been used.
            </Message>
          ) : (
            <Tokens tokens={tokens} selection={mayChange ? selection : null} onRevoke={setRevoking} />
          )
        }
      </Loaded>
      {revoking !== null && (
        <Revocation
          names={revoking}
          onClose={(revoked) => {
            setRevoking(null);
            selection.setAll(revoked, false);
          }}
        />
      )}
      {enrolment.view}
    </div>
  );
}

interface TokensProps {
  tokens: JoinToken[];
  selection: Selection | null;
  onRevoke: (names: string[]) => void;
}

function Tokens({ tokens, selection, onRevoke }: TokensProps): ReactNode {
  // A token that has been used or revoked meanwhile is no longer selected.
  const selected = tokens.map((token) => token.cluster_name).filter((name) => selection?.has(name) === true);
  return (
    <>
      {selection !== null && (
        <div className="bulk-bar">
          <span role="status">{selected.length > 0 && `${count(selected.length, "token")} selected`}</span>
          {selected.length > 0 && (
            <>
              <Button
                dense
                onClick={() => {
                  onRevoke(selected);
                }}
              >
                Revoke
              </Button>
              <Button appearance="link" onClick={selection.clear}>
                Clear selection
              </Button>
            </>
          )}
        </div>
      )}
      <TokenTable tokens={tokens} selection={selection} onRevoke={onRevoke} />
    </>
  );
}

function Revocation({
  names,
  onClose,
}: {
  names: string[];
  onClose: (revoked: string[]) => void;
}): ReactNode {
  const revocation = useRevokeTokens();
  return (
    <RemoveDialog
      names={names}
      noun="token"
      words={{ verb: "Revoke", participle: "revoked", failure: "Join token revocation failed" }}
      removal={revocation}
      onConfirm={() => {
        revocation.mutate(names);
      }}
      onClose={() => {
        onClose(revocation.data === undefined ? [] : names);
      }}
    >
      <p>Revoked tokens can no longer be used to join. Clusters that have already joined are not affected.</p>
    </RemoveDialog>
  );
}
