// A search that is done while one types.
import type { ReactNode } from "react";
import { Icon } from "../kit";
import { usePausedField } from "./usePausedField";

interface Props {
  label: string;
  value: string;
  onSearch: (text: string) => void;
}

export function SearchField({ label, value, onSearch }: Props): ReactNode {
  const field = usePausedField(value, onSearch);
  return (
    <form
      role="search"
      className="p-search-box filters__search"
      onSubmit={(event) => {
        event.preventDefault();
        field.takeNow();
      }}
    >
      <input
        className="p-search-box__input"
        type="search"
        aria-label={label}
        placeholder={label}
        autoComplete="off"
        value={field.text}
        onChange={(event) => {
          field.setText(event.target.value);
        }}
      />
      <button type="submit" className="p-search-box__button">
        <Icon name="search">Search</Icon>
      </button>
    </form>
  );
}
