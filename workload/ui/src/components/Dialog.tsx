// A modal dialog. Escape closes it only where closing loses nothing, which is where `onClose` is given.
import { useEffect, useRef, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { Modal } from "../kit";

interface Props {
  title: string;
  children: ReactNode;
  buttons: ReactNode;
  onClose?: () => void;
  className?: string;
}

export function Dialog({ title, children, buttons, onClose, className }: Props): ReactNode {
  useFocusReturn();
  return createPortal(
    <Modal
      title={title}
      buttonRow={buttons}
      closeOnOutsideClick={false}
      {...(onClose === undefined ? {} : { close: onClose })}
      {...(className === undefined ? {} : { className })}
    >
      {children}
    </Modal>,
    document.body,
  );
}

/** Gives the focus back to whoever had it before, or to the page where that is gone. */
export function useFocusReturn(): void {
  const before = useRef(document.activeElement);
  useEffect(() => {
    const element = before.current;
    return () => {
      const isThere = element instanceof HTMLElement && element.isConnected && element !== document.body;
      (isThere ? element : document.getElementById("main-content"))?.focus();
    };
  }, []);
}
