// Light, dark or as the system says.
import { useState, type ReactNode } from "react";
import { savedTheme, saveTheme, type Theme } from "./theme";

const LABELS: Record<Theme, string> = { system: "As the system", light: "Light", dark: "Dark" };
const THEMES: Theme[] = ["system", "light", "dark"];

export function ThemeChoice(): ReactNode {
  const [theme, setTheme] = useState(savedTheme);
  return (
    <label className="theme-choice is-fading-when-collapsed">
      <span>Theme</span>
      <select
        value={theme}
        onChange={(event) => {
          const chosen = THEMES.find((one) => one === event.target.value) ?? "system";
          saveTheme(chosen);
          setTheme(chosen);
        }}
      >
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {LABELS[one]}
          </option>
        ))}
      </select>
    </label>
  );
}
