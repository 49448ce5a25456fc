// Asks before anything is removed, with its name, and says what came of each.
import type { ReactNode } from "react";
import type { BulkResult } from "../api/types";
import { count } from "../format/count";
import { ActionButton, Button } from "../kit";
import { BulkOutcome } from "./BulkOutcome";
import { Dialog } from "./Dialog";
import { ErrorNote } from "./ErrorNote";

interface Removal {
  isPending: boolean;
  data: BulkResult[] | undefined;
  error: Error | null;
}

interface Props {
  names: string[];
  /** `cluster`, `token`. */
  noun: string;
  /** `Remove`, `removed`. */
  verbs: [doing: string, done: string];
  removal: Removal;
  children: ReactNode;
  onConfirm: () => void;
  onClose: () => void;
}

export function RemoveDialog({
  names,
  noun,
  verbs,
  removal,
  children,
  onConfirm,
  onClose,
}: Props): ReactNode {
  const [doing, done] = verbs;
  if (removal.data !== undefined) {
    return (
      <Dialog
        title={`${doing} ${count(names.length, noun)}`}
        onClose={onClose}
        buttons={<Button onClick={onClose}>Close</Button>}
      >
        <BulkOutcome results={removal.data} verb={done} noun={noun} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={`${doing} ${count(names.length, noun)}?`}
      onClose={onClose}
      buttons={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <ActionButton appearance="negative" loading={removal.isPending} onClick={onConfirm}>
            {`${doing} ${count(names.length, noun)}`}
          </ActionButton>
        </>
      }
    >
      <ErrorNote error={removal.error} title={`Nothing was ${done}`} />
      {children}
      <NameList names={names} />
    </Dialog>
  );
}

export function NameList({ names }: { names: string[] }): ReactNode {
  return (
    // A long list scrolls, and what scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <ul className="name-list" aria-label="Names" tabIndex={0}>
      {names.map((name) => (
        <li key={name}>
          <bdi>{name}</bdi>
        </li>
      ))}
    </ul>
  );
}
