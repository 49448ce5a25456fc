// The hub's rule for names of new clusters: 1 to 255 characters, no control characters and no invisible ones, no blanks at
// the ends.
import { textProblem } from "../format/text";

const MAX_CHARACTERS = 255;

/** A message if the name is invalid; null if it is valid. Whether it is taken is checked by `useNameTaken`. */
export function nameProblem(name: string): string | null {
  if (name === "") return "Enter a name.";
  const length = Array.from(name).length;
  if (length > MAX_CHARACTERS)
    return `A name can have at most ${MAX_CHARACTERS} characters; this one has ${length}.`;
  return textProblem("A name", name, false);
}
