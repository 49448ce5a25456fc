// A text field in Vanilla's markup. The component kit's own field announces its error in a way that some screen readers
// miss.
import { useId, type HTMLInputTypeAttribute, type ReactNode } from "react";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  help?: string;
  error?: string | null;
  type?: HTMLInputTypeAttribute;
  inputMode?: "numeric";
  isRequired?: boolean;
}

export function TextField({
  label,
  value,
  onChange,
  help,
  error = null,
  type,
  inputMode,
  isRequired,
}: Props): ReactNode {
  const id = useId();
  const descriptions = [help === undefined ? null : `${id}-help`, error === null ? null : `${id}-error`];
  return (
    <div className={error === null ? "p-form__group" : "p-form__group p-form-validation is-error"}>
      <label className={isRequired === true ? "p-form__label is-required" : "p-form__label"} htmlFor={id}>
        {label}
      </label>
      <input
        id={id}
        className="p-form-validation__input"
        type={type ?? "text"}
        inputMode={inputMode}
        autoComplete="off"
        required={isRequired}
        aria-invalid={error !== null}
        aria-describedby={descriptions.filter((part) => part !== null).join(" ")}
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />
      {help !== undefined && (
        <p className="p-form-help-text" id={`${id}-help`}>
          {help}
        </p>
      )}
      <p className="p-form-validation__message" id={`${id}-error`} role="alert">
        {error}
      </p>
    </div>
  );
}
