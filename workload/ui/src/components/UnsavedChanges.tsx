// Asks before entered text is lost: when a panel is closed other than by its Cancel button, on the way to another page, and when the browser tab closes.
import { useEffect, useState, type ReactNode } from "react";
import { useBlocker } from "react-router";
import { Button } from "../kit";
import { Dialog } from "./Dialog";

interface Guard {
  /** Closes the panel, or asks first. */
  close: () => void;
  /** The question, while it is asked. */
  question: ReactNode;
}

export function useUnsavedChanges(isDirty: boolean, onClose: () => void): Guard {
  const [isClosing, setIsClosing] = useState(false);
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => isDirty && currentLocation.pathname !== nextLocation.pathname,
  );
  useEffect(() => {
    if (!isDirty) return undefined;
    const ask = (event: BeforeUnloadEvent): void => {
      event.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
    };
  }, [isDirty]);
  const isLeaving = blocker.state === "blocked";
  const keep = (): void => {
    setIsClosing(false);
    if (isLeaving) blocker.reset();
  };
  const discard = (): void => {
    onClose();
    if (isLeaving) blocker.proceed();
  };
  return {
    close: () => {
      if (isDirty) setIsClosing(true);
      else onClose();
    },
    question:
      isClosing || isLeaving ? (
        <Dialog
          title="Discard changes?"
          onClose={keep}
          buttons={
            <>
              <Button onClick={keep}>Keep editing</Button>
              <Button appearance="negative" onClick={discard}>
                Discard
              </Button>
            </>
          }
        >
          <p>What you entered has not been saved.</p>
        </Dialog>
      ) : null,
  };
}
