// A check box in a table, whose name is said and not shown.
import { useId, type ReactNode } from "react";

interface Props {
  label: string;
  checked: boolean;
  /** Some of those that it stands for are selected, not all. */
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
