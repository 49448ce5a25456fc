// The theme: light, dark or the system's. The choice is stored in the browser.

export type Theme = "system" | "light" | "dark";

const KEY = "theme";
const SYSTEM_IS_DARK = "(prefers-color-scheme: dark)";

export function savedTheme(): Theme {
  try {
    const saved = localStorage.getItem(KEY);
    return saved === "light" || saved === "dark" ? saved : "system";
  } catch {
    // Storage can be forbidden. Then the system's theme is used.
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

/** Applies the theme now and whenever the system's theme changes. */
export function followTheme(): void {
  applyTheme();
  matchMedia(SYSTEM_IS_DARK).addEventListener("change", applyTheme);
}
