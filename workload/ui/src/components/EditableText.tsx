// A text that is edited in place. Updates from the hub do not overwrite what is being typed.
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { explain } from "../api/errors";
import { ActionButton, Button } from "../kit";
import { visible } from "../format/text";

interface Props {
  label: string;
  value: string;
  /** The text while it is not edited. */
  shown: string;
  isEditable: boolean;
  isLong?: boolean;
  /** A message if the text is invalid. */
  problem?: (text: string) => string | null;
  onSave: (text: string) => Promise<void>;
}

export function EditableText(props: Props): ReactNode {
  const [isEditing, setIsEditing] = useState(false);
  const button = useRef<HTMLSpanElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    if (wasEditing.current && !isEditing) button.current?.querySelector("button")?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  if (isEditing) {
    return (
      <Editor
        {...props}
        onClose={() => {
          setIsEditing(false);
        }}
      />
    );
  }
  return (
    <span className="editable" ref={button}>
      <bdi className={props.isLong === true ? "editable__text" : undefined}>{visible(props.shown)}</bdi>
      {props.isEditable && (
        <Button
          appearance="base"
          dense
          hasIcon
          aria-label={`Edit ${props.label}`}
          onClick={() => {
            setIsEditing(true);
          }}
        >
          <i className="p-icon--edit" aria-hidden="true" />
        </Button>
      )}
    </span>
  );
}

function Editor({
  label,
  value,
  isLong,
  problem,
  onSave,
  onClose,
}: Props & { onClose: () => void }): ReactNode {
  const id = useId();
  const [text, setText] = useState(value);
  const [isSaving, setIsSaving] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.select();
  }, []);
  const message = problem?.(text) ?? failure;
  const save = async (): Promise<void> => {
    if (problem?.(text) != null) return;
    setIsSaving(true);
    try {
      if (text !== value) await onSave(text);
      onClose();
    } catch (error) {
      setFailure(explain(error));
      setIsSaving(false);
    }
  };
  const common = {
    id,
    ref: field,
    value: text,
    "aria-label": label,
    "aria-invalid": message !== null,
    "aria-describedby": message === null ? undefined : `${id}-problem`,
    onChange: (event: { target: { value: string } }) => {
      setText(event.target.value);
      setFailure(null);
    },
    onKeyDown: (event: { key: string }) => {
      if (event.key === "Escape") onClose();
    },
  };
  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {isLong === true ? (
        <textarea rows={3} {...common} />
      ) : (
        <input type="text" inputMode="numeric" {...common} />
      )}
      {message !== null && (
        <p className="p-form-validation__message" id={`${id}-problem`} role="alert">
          {message}
        </p>
      )}
      <span className="editor__buttons">
        <ActionButton
          type="submit"
          dense
          appearance="positive"
          loading={isSaving}
          aria-label={`Save ${label}`}
        >
          Save
        </ActionButton>
        <Button type="button" dense onClick={onClose}>
          Cancel
        </Button>
      </span>
    </form>
  );
}
