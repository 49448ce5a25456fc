// Buttons to the previous and next page of a list, and the range that is shown.
import type { ReactNode } from "react";
import { count } from "../format/count";
import { Button } from "../kit";

interface Props {
  page: number;
  size: number;
  /** The number of rows on the page; null while another page is still shown. */
  shown: number | null;
  total: number;
  noun: string;
  nextCursor: string | null;
  onNext: (cursor: string) => void;
  onPrevious: () => void;
  /** The page sizes to choose from. */
  sizes?: { offered: readonly number[]; onChange: (size: number) => void };
}

export function Pager({ page, size, shown, total, noun, sizes, nextCursor, ...on }: Props): ReactNode {
  const first = (page - 1) * size + 1;
  const range =
    shown === null
      ? `Page ${page}, not loaded yet`
      : `${first} to ${first + shown - 1} of ${count(total, noun)}`;
  return (
    <nav className="pager" aria-label="Pages">
      <span role="status">{shown === 0 ? count(total, noun) : range}</span>
      {sizes !== undefined && (
        <label className="pager__size">
          <span>Per page</span>
          <select
            value={size}
            onChange={(event) => {
              sizes.onChange(Number(event.target.value));
            }}
          >
            {sizes.offered.map((option) => (
              <option key={option}>{option}</option>
            ))}
          </select>
        </label>
      )}
      <Button dense hasIcon disabled={page === 1} onClick={on.onPrevious}>
        <i className="p-icon--chevron-left" />
        <span>Previous</span>
      </Button>
      <Button
        dense
        hasIcon
        disabled={nextCursor === null}
        onClick={() => {
          if (nextCursor !== null) on.onNext(nextCursor);
        }}
      >
        <span>Next</span>
        <i className="p-icon--chevron-right" />
      </Button>
    </nav>
  );
}
