// On narrow screens: the product's name and the button that opens the navigation.
import type { ReactNode } from "react";
import logo from "../assets/logo.svg";

export function NavigationBar({ isOpen, onToggle }: { isOpen: boolean; onToggle: () => void }): ReactNode {
  return (
    <div className="l-navigation-bar">
      <div className="p-panel is-dark navigation-bar">
        <span className="navigation-bar__name">
          <img src={logo} alt="" width="24" height="24" />
          Cluster Manager
        </span>
        <button type="button" className="navigation-bar__toggle" aria-expanded={isOpen} onClick={onToggle}>
          Menu
        </button>
      </div>
    </div>
  );
}
