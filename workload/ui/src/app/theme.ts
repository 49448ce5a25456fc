// Light, dark, or as the system says; the choice is remembered.

export type Theme = "system" | "light" | "dark";

const KEY = "theme";
const SYSTEM_IS_DARK = "(prefers-color-scheme: dark)";

export function savedTheme(): Theme {
  try {
    const saved = localStorage.getItem(KEY);
    return saved === "light" || saved === "dark" ? saved : "system";
  } catch {
    // Storage can be forbidden; then nothing is remembered.
    return "system";
  }
}

export function saveTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // As above.
  }
  applyTheme();
}

export function applyTheme(): void {
  const theme = savedTheme();
  const isDark = theme === "system" ? matchMedia(SYSTEM_IS_DARK).matches : theme === "dark";
  document.body.classList.toggle("is-dark", isDark);
  document.documentElement.style.colorScheme = isDark ? "dark" : "light";
}

/** Applies the theme now and whenever the system changes its mind. */
export function followTheme(): void {
  applyTheme();
  matchMedia(SYSTEM_IS_DARK).addEventListener("change", applyTheme);
}
