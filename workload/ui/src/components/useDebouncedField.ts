// A field whose value is committed after a pause in typing. Changes from outside (back, forward) replace the text.
import { useEffect, useState } from "react";

const DEBOUNCE_MS = 300;

export function useDebouncedField(
  value: string,
  commit: (text: string) => void,
): { text: string; setText: (text: string) => void; commitNow: () => void } {
  const [text, setText] = useState(value);
  const [lastValue, setLastValue] = useState(value);
  if (lastValue !== value) {
    setLastValue(value);
    setText(value);
  }
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => {
      commit(text);
    }, DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
    };
  });
  return {
    text,
    setText,
    commitNow: () => {
      if (text !== value) commit(text);
    },
  };
}
