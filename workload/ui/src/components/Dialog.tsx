// A modal dialog. Escape closes it only if `onClose` is given, that is, where closing loses nothing.
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

/** Returns the focus to the element that had it before, or to the page if that element no longer exists. */
export function useFocusReturn(): void {
  const previous = useRef(document.activeElement);
  useEffect(() => {
    const element = previous.current;
    return () => {
      const canFocus = element instanceof HTMLElement && element.isConnected && element !== document.body;
      (canFocus ? element : document.getElementById("main-content"))?.focus();
    };
  }, []);
}
