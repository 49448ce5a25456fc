// Navigation at the left, the page beside it, what concerns all pages above it.
import { Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { Outlet, useLocation } from "react-router";
import { PageSkeleton } from "../components/Skeleton";
import { SkipLink } from "../kit";
import { Navigation } from "./Navigation";
import { NavigationBar } from "./NavigationBar";
import { OutageBanner } from "./OutageBanner";

export function Shell({ children }: { children?: ReactNode }): ReactNode {
  const { pathname } = useLocation();
  // Which page the menu was opened on: it closes by going elsewhere.
  const [openedOn, setOpenedOn] = useState<string | null>(null);
  const main = useFocusOnNewPage(pathname);
  const isOpen = openedOn === pathname;
  return (
    <div className="l-application" id="l-application">
      <SkipLink mainId="main-content" />
      <nav className="shell-header" aria-label="Main">
        <NavigationBar
          isOpen={isOpen}
          onToggle={() => {
            setOpenedOn(isOpen ? null : pathname);
          }}
        />
        <Navigation
          isOpen={isOpen}
          onClose={() => {
            setOpenedOn(null);
          }}
        />
      </nav>
      {/* It scrolls, and what scrolls must be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <main className="l-main" id="main-content" ref={main} tabIndex={0}>
        <OutageBanner />
        <Suspense fallback={<PageSkeleton />}>{children ?? <Outlet />}</Suspense>
      </main>
    </div>
  );
}

/** Who navigates by keyboard or hears the page begins at its top, not where the link was. */
function useFocusOnNewPage(pathname: string): React.RefObject<HTMLElement | null> {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    main.current?.focus();
    main.current?.scrollTo(0, 0);
  }, [pathname]);
  return main;
}
