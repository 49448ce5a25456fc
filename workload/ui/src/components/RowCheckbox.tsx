// A checkbox in a table. Its label is for screen readers only.
import { useId, type ReactNode } from "react";

interface Props {
  label: string;
  checked: boolean;
  /** Some but not all of the rows it controls are selected. */
  isPartly?: boolean;
  onChange: (checked: boolean) => void;
}

export function RowCheckbox({ label, checked, isPartly = false, onChange }: Props): ReactNode {
  const id = useId();
  return (
    <span className="p-checkbox--inline">
      <input
        type="checkbox"
        className="p-checkbox__input"
        id={id}
        aria-label={label}
        checked={checked}
        ref={(box) => {
          if (box !== null) box.indeterminate = isPartly;
        }}
        onChange={(event) => {
          onChange(event.target.checked);
        }}
      />
      <label className="p-checkbox__label" htmlFor={id}>
        <span className="u-off-screen">{label}</span>
      </label>
    </span>
  );
}
