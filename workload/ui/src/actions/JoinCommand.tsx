// The one command with which a cluster joins. It is shown once, so nothing but its own button closes it.
import { useEffect, type ReactNode } from "react";
import { useBlocker } from "react-router";
import { CopyButton } from "../components/CopyButton";
import { Dialog } from "../components/Dialog";
import { absolute } from "../format/time";
import { Button } from "../kit";
import { Note } from "../components/Note";

export interface Created {
  name: string;
  token: string;
  expiry: string;
}

export function JoinCommand({ created, onClose }: { created: Created; onClose: () => void }): ReactNode {
  const command = `microcloud cluster-manager join ${created.token}`;
  useStayHere();
  return (
    <Dialog
      title="Run this on the cluster"
      className="join-command"
      buttons={<Button onClick={onClose}>I have copied the command: close</Button>}
    >
      <Note severity="caution" title="This is shown only once">
        Whoever has it can join as <bdi>{created.name}</bdi>, once, until{" "}
        {absolute(Date.parse(created.expiry))}.
      </Note>
      <p>On any member of the cluster:</p>
      <div className="join-command__row">
        {/* It scrolls, and what scrolls must be reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre tabIndex={0} aria-label="Join command">
          <code>{command}</code>
        </pre>
        <CopyButton text={command} label="Copy the command" />
      </div>
    </Dialog>
  );
}

/** Going back, or closing the tab, would lose it too. */
function useStayHere(): void {
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
