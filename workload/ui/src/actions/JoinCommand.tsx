// The command that joins a cluster. It is shown only once, so only its own button closes the dialog.
import { useEffect, type ReactNode } from "react";
import { useBlocker } from "react-router";
import { CopyButton } from "../components/CopyButton";
import { Dialog } from "../components/Dialog";
import { absolute } from "../format/time";
import { Button } from "../kit";
import { Note } from "../components/Note";
import { visible } from "../format/text";

export interface Created {
  name: string;
  token: string;
  expiry: string;
}

export function JoinCommand({ created, onClose }: { created: Created; onClose: () => void }): ReactNode {
  const command = `microcloud cluster-manager join ${created.token}`;
  useBlockLeaving();
  return (
    <Dialog
      title="Run this command on the cluster"
      className="join-command"
      buttons={<Button onClick={onClose}>I have copied the command</Button>}
    >
      <Note severity="caution" title="This command is shown only once">
        It lets one cluster join as <bdi>{visible(created.name)}</bdi> until{" "}
        {absolute(Date.parse(created.expiry))}. Keep it secret.
      </Note>
      <p>Run it on any member of the cluster:</p>
      <div className="join-command__row">
        {/* Scrollable content must be reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre tabIndex={0} aria-label="Join command">
          <code>{command}</code>
        </pre>
        <CopyButton text={command} label="Copy command" />
      </div>
    </Dialog>
  );
}

/** Going back or closing the tab would lose the command, so both are blocked. */
function useBlockLeaving(): void {
  const blocker = useBlocker(true);
  useEffect(() => {
    if (blocker.state === "blocked") blocker.reset();
  }, [blocker]);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent): void => {
      event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => {
      removeEventListener("beforeunload", warn);
    };
  }, []);
}
