// A cluster's health, shown by word and icon, not by colour alone.
import type { ReactNode } from "react";
import type { HealthState } from "../api/types";
import { lookUp } from "../api/words";

const WORDS: Record<HealthState, string> = { fresh: "Fresh", late: "Late", lost: "Lost" };
const ICONS: Record<HealthState, string> = { fresh: "success", late: "warning", lost: "error" };

export function healthWord(state: string): string {
  return lookUp(WORDS, state) ?? state;
}

/** The kind of a warning as a label: `storage` is `Storage`. */
export function warningKindWord(kind: string): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}

export function HealthMark({ state }: { state: string }): ReactNode {
  return (
    <span className={`health health--${state}`}>
      <i className={`p-icon--${lookUp(ICONS, state) ?? "help"}`} aria-hidden="true" />
      <span>{healthWord(state)}</span>
    </span>
  );
}
