// Text that others chose: what it may not contain, and how it is shown where it does nevertheless. The hub has the same
// rules (protocol/src/text.rs).

const HIDDEN = /[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const CONTROL = /\p{Cc}/u;
const EMOJI_SELECTOR = "\uFE0F";
const LETTER = /[\p{ASCII}\p{L}\p{N}]/u;

/** A character, and whether it can be shown as it is. */
interface Judged {
  character: string;
  isHarmless: boolean;
}

/** The emoji selector is harmless after a symbol. After a letter it makes a name that looks like another. */
function judge(text: string): Judged[] {
  let before = " ";
  return Array.from(text, (character) => {
    const isAfterSymbol = !LETTER.test(before) && !HIDDEN.test(before);
    before = character;
    const isHarmless =
      (character === EMOJI_SELECTOR && isAfterSymbol) || !(HIDDEN.test(character) || CONTROL.test(character));
    return { character, isHarmless };
  });
}

/** The text with control characters and invisible ones escaped, as in `a\u{202e}b`. Line breaks and tabs stay. */
export function visible(text: string): string {
  if (!HIDDEN.test(text) && !CONTROL.test(text)) return text;
  return judge(text)
    .map(({ character, isHarmless }) =>
      isHarmless || "\n\r\t".includes(character)
        ? character
        : `\\u{${character.codePointAt(0)?.toString(16)}}`,
    )
    .join("");
}

/** A message if nobody may choose this text, apart from its length; null otherwise. */
export function textProblem(what: string, text: string, isLong: boolean): string | null {
  for (const { character, isHarmless } of judge(text)) {
    if (isHarmless || (isLong && "\n\r\t".includes(character))) continue;
    if (CONTROL.test(character)) return `${what} cannot contain control characters such as tabs.`;
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return `${what} cannot contain invisible characters (U+${code}).`;
  }
  return text.trim() === text ? null : `${what} cannot begin or end with a blank.`;
}
