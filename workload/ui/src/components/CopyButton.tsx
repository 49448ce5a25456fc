// Copies a text to the clipboard and confirms it.
import { useState, type ReactNode } from "react";
import { Button } from "../kit";

export function CopyButton({ text, label }: { text: string; label: string }): ReactNode {
  const [outcome, setOutcome] = useState<"copied" | "failed" | null>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      // The browser may forbid it. The text can still be selected and copied by hand.
      setOutcome("failed");
    }
  };
  return (
    <>
      <Button hasIcon className="copy-button" aria-label={label} onClick={() => void copy()}>
        <i className="p-icon--copy" aria-hidden="true" />{" "}
        <span>{outcome === "copied" ? "Copied" : "Copy"}</span>
      </Button>
      <span role="status" className="u-off-screen">
        {outcome === "copied"
          ? "Copied"
          : outcome === "failed"
            ? "Copying failed: the browser does not allow it"
            : ""}
      </span>
    </>
  );
}
