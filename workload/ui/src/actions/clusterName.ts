// The hub's rule for cluster names: 1 to 255 characters, no control characters.

const MAX_CHARACTERS = 255;

/** A message if the name is invalid; null if it is valid. Whether it is taken is checked by `useNameTaken`. */
export function nameProblem(name: string): string | null {
  if (name === "") return "Enter a name.";
  const length = Array.from(name).length;
  if (length > MAX_CHARACTERS)
    return `A name can have at most ${MAX_CHARACTERS} characters; this one has ${length}.`;
  if (/\p{Cc}/u.test(name)) return "A name cannot contain control characters such as tabs.";
  return null;
}
