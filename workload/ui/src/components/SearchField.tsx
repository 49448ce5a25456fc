// A search field that searches while the reader types.
import type { ReactNode } from "react";
import { Icon } from "../kit";
import { useDebouncedField } from "./useDebouncedField";

interface Props {
  label: string;
  value: string;
  onSearch: (text: string) => void;
}

export function SearchField({ label, value, onSearch }: Props): ReactNode {
  const field = useDebouncedField(value, onSearch);
  return (
    <form
      role="search"
      className="p-search-box filters__search"
      onSubmit={(event) => {
        event.preventDefault();
        field.commitNow();
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
