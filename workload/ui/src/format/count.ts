// Numbers with their nouns.

const NUMBER = new Intl.NumberFormat("en-GB");

export function number(value: number): string {
  return NUMBER.format(value);
}

/** `1 cluster`, `12 clusters`. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${number(value)} ${value === 1 ? noun : plural}`;
}
