// Tables by the API's closed vocabularies: the compiler requires an entry for each word, and a word that a newer hub adds
// has none at run time.

export function lookUp<Word extends string, Value>(
  table: Record<Word, Value>,
  word: string,
): Value | undefined {
  return Object.hasOwn(table, word) ? table[word as Word] : undefined;
}
