// A panel beside the page. It asks before it is left if something was entered.
import { useEffect, useId, useRef, type KeyboardEvent, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { Button, Icon } from "../kit";
import { useFocusReturn } from "./Dialog";
import { useUnsavedChanges } from "./UnsavedChanges";

interface Props {
  title: string;
  /** The content. Its Cancel button closes the panel without a question. */
  children: ReactNode;
  isDirty: boolean;
  onClose: () => void;
}

export function SidePanel({ title, children, isDirty, onClose }: Props): ReactNode {
  const heading = useId();
  const panel = useRef<HTMLElement>(null);
  useFocusReturn();
  const { close, question } = useUnsavedChanges(isDirty, onClose);
  useEffect(() => {
    panel.current?.querySelector<HTMLElement>("input, textarea, select")?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && question === null) close();
  };
  return createPortal(
    // The panel handles keys only. Everything that can be clicked in it is a control of its own.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <aside className="l-aside side-panel" aria-labelledby={heading} ref={panel} onKeyDown={onKeyDown}>
      <header className="side-panel__header">
        <h2 className="p-heading--4" id={heading}>
          {title}
        </h2>
        <Button appearance="base" hasIcon onClick={close}>
          <Icon name="close">Close panel</Icon>
        </Button>
      </header>
      {children}
      {question}
    </aside>,
    document.getElementById("l-application") ?? document.body,
  );
}
