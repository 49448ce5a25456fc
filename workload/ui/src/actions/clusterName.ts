// What a cluster may be called, as the hub has it: 1 to 255 characters, none of them a control character.

const MAX_CHARACTERS = 255;

/** What is wrong with the name, in words; null: nothing, as far as can be told without asking. */
export function nameProblem(name: string): string | null {
  if (name === "") return "A name is needed.";
  const length = Array.from(name).length;
  if (length > MAX_CHARACTERS) return `A name has at most ${MAX_CHARACTERS} characters; this has ${length}.`;
  if (/\p{Cc}/u.test(name)) return "A name cannot hold control characters, such as tabs.";
  return null;
}
