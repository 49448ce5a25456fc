// The navigation: pages, theme and account.
import classNames from "classnames";
import type { ReactNode } from "react";
import { Link, useLocation } from "react-router";
import logo from "../assets/logo.svg";
import { Icon } from "../kit";
import { roleOf, useSession } from "./session";
import { ThemeChoice } from "./ThemeChoice";
import { visible } from "../format/text";

const PAGES = [
  { to: "/clusters", icon: "cluster-host", label: "Clusters" },
  { to: "/clusters/tokens", icon: "security", label: "Join tokens" },
  { to: "/events", icon: "status", label: "Events" },
  { to: "/settings", icon: "settings", label: "Settings" },
];

export function Navigation({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }): ReactNode {
  const { pathname } = useLocation();
  return (
    <div className={classNames("l-navigation", { "is-collapsed": !isOpen })}>
      <div className="l-navigation__drawer">
        <div className="p-panel is-dark navigation">
          <div className="navigation__top">
            <Link className="p-panel__logo navigation__logo" to="/clusters">
              <img src={logo} alt="" width="24" height="24" />
              <span className="is-fading-when-collapsed">Cluster Manager</span>
            </Link>
            <button type="button" className="navigation__close" onClick={onClose}>
              <Icon name="close" light>
                Close menu
              </Icon>
            </button>
          </div>
          <div className="p-side-navigation--icons is-dark">
            <ul className="p-side-navigation__list">
              {PAGES.map(({ to, icon, label }) => (
                <li className="p-side-navigation__item" key={to}>
                  <Link
                    className="p-side-navigation__link"
                    to={to}
                    aria-current={isCurrent(to, pathname) ? "page" : undefined}
                  >
                    <Icon className="p-side-navigation__icon" name={icon} light />
                    <span className="p-side-navigation__label">{label}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </div>
          <Account />
        </div>
      </div>
    </div>
  );
}

/** The page of a cluster belongs to "Clusters". */
function isCurrent(to: string, pathname: string): boolean {
  return pathname === to || (to === "/clusters" && pathname.startsWith("/cluster/"));
}

function Account(): ReactNode {
  const me = useSession();
  const { pathname } = useLocation();
  return (
    <div className="navigation__account">
      <ThemeChoice />
      <p className="navigation__name">
        <Icon name="user" light />
        <span className="p-side-navigation__label" title={me.email}>
          <bdi>{visible(me.name === "" ? me.email : me.name)}</bdi>
          <small>{roleOf(me) ?? "no role"}</small>
        </span>
      </p>
      <Link
        className="navigation__link"
        to="/sessions"
        aria-current={pathname === "/sessions" ? "page" : undefined}
      >
        <Icon name="security" light />
        <span className="p-side-navigation__label">Sessions</span>
      </Link>
      <a className="navigation__link" href="/oidc/logout">
        <Icon name="log-out" light />
        <span className="p-side-navigation__label">Sign out</span>
      </a>
    </div>
  );
}
