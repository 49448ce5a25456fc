// The state of a dependency, as icon and text.
import type { ReactNode } from "react";

export function State({ icon, text }: { icon: string; text: string }): ReactNode {
  return (
    <span className="state">
      <i className={`p-icon--${icon}`} aria-hidden="true" /> {text}
    </span>
  );
}
