// A text that is edited where it stands. What arrives meanwhile does not overwrite what is being typed.
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { explain } from "../api/errors";
import { ActionButton, Button } from "../kit";

interface Props {
  label: string;
  value: string;
  /** As it reads when it is not edited. */
  shown: string;
  isEditable: boolean;
  isLong?: boolean;
  /** What is wrong with a text, in words. */
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
        onEnd={() => {
          setIsEditing(false);
        }}
      />
    );
  }
  return (
    <span className="editable" ref={button}>
      <bdi className={props.isLong === true ? "editable__text" : undefined}>{props.shown}</bdi>
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

function Editor({ label, value, isLong, problem, onSave, onEnd }: Props & { onEnd: () => void }): ReactNode {
  const id = useId();
  const [text, setText] = useState(value);
  const [isSaving, setIsSaving] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.select();
  }, []);
  const wrong = problem?.(text) ?? failure;
  const save = async (): Promise<void> => {
    if (problem?.(text) != null) return;
    setIsSaving(true);
    try {
      if (text !== value) await onSave(text);
      onEnd();
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
    "aria-invalid": wrong !== null,
    "aria-describedby": wrong === null ? undefined : `${id}-problem`,
    onChange: (event: { target: { value: string } }) => {
      setText(event.target.value);
      setFailure(null);
    },
    onKeyDown: (event: { key: string }) => {
      if (event.key === "Escape") onEnd();
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
      {wrong !== null && (
        <p className="p-form-validation__message" id={`${id}-problem`} role="alert">
          {wrong}
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
        <Button type="button" dense onClick={onEnd}>
          Cancel
        </Button>
      </span>
    </form>
  );
}
