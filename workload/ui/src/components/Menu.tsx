// A button that opens a menu of actions. Native popovers close on Escape and on a click elsewhere, and are never
// clipped by a scrolling parent.
import { useId, useRef, useState, type ReactNode } from "react";

export interface MenuItem {
  label: string;
  onClick?: () => void;
  /** The address of a link to another site; null if it is not known, which disables the item. */
  href?: string | null;
  /** Why the item is disabled. */
  disabledReason?: string;
}

export function Menu({ label, items }: { label: string; items: MenuItem[] }): ReactNode {
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  // A page has many menus, at most one of them open. Only that one renders its items.
  const [isOpen, setIsOpen] = useState(false);
  const place = (): void => {
    if (list.current === null || button.current === null) return;
    const { bottom, right, top } = button.current.getBoundingClientRect();
    const below = bottom + list.current.offsetHeight <= innerHeight;
    list.current.style.top = `${below ? bottom : Math.max(0, top - list.current.offsetHeight)}px`;
    list.current.style.left = `${Math.max(0, right - list.current.offsetWidth)}px`;
    list.current.querySelector<HTMLElement>("button, a")?.focus();
  };
  return (
    <>
      <button
        type="button"
        className="p-button--base has-icon menu__button"
        popoverTarget={id}
        ref={button}
        aria-label={label}
      >
        <i className="p-icon--menu" aria-hidden="true" />
      </button>
      <ul
        className="menu"
        id={id}
        popover="auto"
        ref={list}
        aria-label={label}
        onBeforeToggle={(event) => {
          if (event.newState === "open") setIsOpen(true);
        }}
        onToggle={(event) => {
          if (event.newState === "open") place();
          // The items are kept until the browser has returned the focus to the button.
          else setIsOpen(false);
        }}
      >
        {isOpen &&
          items.map((item) => (
            <li key={item.label}>
              <Item item={item} close={() => list.current?.hidePopover()} />
            </li>
          ))}
      </ul>
    </>
  );
}

function Item({ item, close }: { item: MenuItem; close: () => void }): ReactNode {
  const { label, onClick, href, disabledReason } = item;
  if (onClick === undefined && href != null) {
    return (
      <a className="menu__item" href={href} target="_blank" rel="noreferrer" onClick={close}>
        {label} <i className="p-icon--external-link" aria-hidden="true" />
        <span className="u-off-screen">(opens in a new tab)</span>
      </a>
    );
  }
  return (
    <button
      type="button"
      className="menu__item"
      disabled={onClick === undefined}
      title={onClick === undefined ? disabledReason : undefined}
      onClick={() => {
        close();
        onClick?.();
      }}
    >
      {label}
    </button>
  );
}
