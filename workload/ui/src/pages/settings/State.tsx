// How something stands that Cluster Manager depends on: an icon and words.
import type { ReactNode } from "react";

export function State({ icon, text }: { icon: string; text: string }): ReactNode {
  return (
    <span className="state">
      <i className={`p-icon--${icon}`} aria-hidden="true" /> {text}
    </span>
  );
}
