// The choice of light, dark or the system's theme.
import { useState, type ReactNode } from "react";
import { savedTheme, saveTheme, type Theme } from "./theme";

const LABELS: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };
const THEMES: Theme[] = ["system", "light", "dark"];

export function ThemeChoice(): ReactNode {
  const [theme, setTheme] = useState(savedTheme);
  return (
    <label className="theme-choice is-fading-when-collapsed">
      <span>Theme</span>
      <select
        value={theme}
        onChange={(event) => {
          const chosen = THEMES.find((candidate) => candidate === event.target.value) ?? "system";
          saveTheme(chosen);
          setTheme(chosen);
        }}
      >
        {THEMES.map((option) => (
          <option key={option} value={option}>
            {LABELS[option]}
          </option>
        ))}
      </select>
    </label>
  );
}
