// Asks for confirmation with the names of what is to be removed, then shows the outcome.
import type { ReactNode } from "react";
import type { BulkResult } from "../api/types";
import { count } from "../format/count";
import { ActionButton, Button } from "../kit";
import { BulkOutcome } from "./BulkOutcome";
import { Dialog } from "./Dialog";
import { ErrorNote } from "./ErrorNote";
import { visible } from "../format/text";

interface Removal {
  isPending: boolean;
  data: BulkResult[] | undefined;
  error: Error | null;
}

interface Words {
  /** `Remove`. */
  verb: string;
  /** `removed`. */
  participle: string;
  /** `Cluster removal failed`. */
  failure: string;
}

interface Props {
  names: string[];
  /** `cluster`, `token`. */
  noun: string;
  words: Words;
  removal: Removal;
  children: ReactNode;
  onConfirm: () => void;
  onClose: () => void;
}

export function RemoveDialog({
  names,
  noun,
  words,
  removal,
  children,
  onConfirm,
  onClose,
}: Props): ReactNode {
  const { verb, participle, failure } = words;
  if (removal.data !== undefined) {
    return (
      <Dialog
        title={`${verb} ${count(names.length, noun)}`}
        onClose={onClose}
        buttons={<Button onClick={onClose}>Close</Button>}
      >
        <BulkOutcome results={removal.data} participle={participle} noun={noun} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={`${verb} ${count(names.length, noun)}?`}
      onClose={onClose}
      buttons={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <ActionButton appearance="negative" loading={removal.isPending} onClick={onConfirm}>
            {`${verb} ${count(names.length, noun)}`}
          </ActionButton>
        </>
      }
    >
      <ErrorNote error={removal.error} title={failure} />
      {children}
      <NameList names={names} />
    </Dialog>
  );
}

export function NameList({ names }: { names: string[] }): ReactNode {
  return (
    // A long list scrolls, and scrollable content must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <ul className="name-list" aria-label="Names" tabIndex={0}>
      {names.map((name) => (
        <li key={name}>
          <bdi>{visible(name)}</bdi>
        </li>
      ))}
    </ul>
  );
}
