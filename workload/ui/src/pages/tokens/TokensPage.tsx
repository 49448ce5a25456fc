// Join tokens that were not used yet.
import { useState, type ReactNode } from "react";
import { useEnrolment } from "../../actions/useEnrolment";
import { useRevokeTokens } from "../../api/mutations";
import { UNTOLD_EVERY_MS, useTokens } from "../../api/queries";
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
      <title>Tokens · Cluster Manager</title>
      <PageHeader title="Join tokens" freshness={<Freshness query={query} every={UNTOLD_EVERY_MS} />}>
        {enrolment.button}
      </PageHeader>
      <Loaded query={query} loading={<Skeleton rows={6} label="Loading the tokens" />}>
        {(tokens) =>
          tokens.length === 0 ? (
            <Message title="No tokens wait to be used" icon="security" action={enrolment.button}>
              A token lets one cluster join, once. It disappears from here when the cluster has joined.
            </Message>
          ) : (
            <Tokens tokens={tokens} selection={mayChange ? selection : null} onRevoke={setRevoking} />
          )
        }
      </Loaded>
      {revoking !== null && (
        <Revocation
          names={revoking}
          onClose={(gone) => {
            setRevoking(null);
            selection.setAll(gone, false);
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
  // One that was used or revoked meanwhile cannot be selected any more.
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

function Revocation({ names, onClose }: { names: string[]; onClose: (gone: string[]) => void }): ReactNode {
  const revocation = useRevokeTokens();
  return (
    <RemoveDialog
      names={names}
      noun="token"
      verbs={["Revoke", "revoked"]}
      removal={revocation}
      onConfirm={() => {
        revocation.mutate(names);
      }}
      onClose={() => {
        onClose(revocation.data === undefined ? [] : names);
      }}
    >
      <p>
        Whoever holds them can no longer join with them. Clusters that have joined already are not touched.
      </p>
    </RemoveDialog>
  );
}
