// A field whose value is taken when nobody has typed for a moment. What changes it from outside (back, forward) wins.
import { useEffect, useState } from "react";

const PAUSE_MS = 300;

export function usePausedField(
  taken: string,
  take: (text: string) => void,
): { text: string; setText: (text: string) => void; takeNow: () => void } {
  const [text, setText] = useState(taken);
  const [shown, setShown] = useState(taken);
  if (shown !== taken) {
    setShown(taken);
    setText(taken);
  }
  useEffect(() => {
    if (text === taken) return undefined;
    const timer = setTimeout(() => {
      take(text);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  });
  return {
    text,
    setText,
    takeNow: () => {
      if (text !== taken) take(text);
    },
  };
}
