// The frame of every page: navigation on the left, outage banner above the page.
import { Suspense, useState, type ReactNode } from "react";
import { Outlet, useLocation } from "react-router";
import { PageSkeleton } from "../components/Skeleton";
import { SkipLink } from "../kit";
import { Navigation } from "./Navigation";
import { NavigationBar } from "./NavigationBar";
import { OutageBanner } from "./OutageBanner";
import { useScrollPosition } from "./useScrollPosition";

export function Shell({ children }: { children?: ReactNode }): ReactNode {
  const { pathname } = useLocation();
  // The page on which the menu was opened. Going to another page closes it.
  const [openedOn, setOpenedOn] = useState<string | null>(null);
  const main = useScrollPosition();
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
      {/* Scrollable content must be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <main className="l-main" id="main-content" ref={main} tabIndex={0}>
        <OutageBanner />
        <Suspense fallback={<PageSkeleton />}>{children ?? <Outlet />}</Suspense>
      </main>
    </div>
  );
}
