// Copies a text, and says that it did.
import { useState, type ReactNode } from "react";
import { Button } from "../kit";

export function CopyButton({ text, label }: { text: string; label: string }): ReactNode {
  const [outcome, setOutcome] = useState<"copied" | "failed" | null>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      // A browser may forbid it; then people can still select the text.
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
        {outcome === "copied" ? "Copied" : outcome === "failed" ? "The browser did not allow copying" : ""}
      </span>
    </>
  );
}
