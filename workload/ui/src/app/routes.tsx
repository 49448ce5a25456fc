// All pages. Each is loaded when it is first opened.
import { createBrowserRouter, Navigate, type RouteObject } from "react-router";
import { BrokenPage } from "./BrokenPage";
import { SignedIn } from "./SignedIn";
import { MissingPage } from "../components/states";
import { PageSkeleton } from "../components/Skeleton";

const routes: RouteObject[] = [
  { index: true, element: <Navigate to="/clusters" replace /> },
  { path: "login", lazy: async () => ({ Component: (await import("../pages/login/LoginPage")).LoginPage }) },
  {
    element: <SignedIn />,
    children: [
      {
        path: "clusters",
        lazy: async () => ({ Component: (await import("../pages/clusters/ClustersPage")).ClustersPage }),
      },
      {
        path: "clusters/tokens",
        lazy: async () => ({ Component: (await import("../pages/tokens/TokensPage")).TokensPage }),
      },
      {
        path: "cluster/:name",
        lazy: async () => ({ Component: (await import("../pages/cluster/ClusterPage")).ClusterPage }),
      },
      {
        path: "events",
        lazy: async () => ({ Component: (await import("../pages/events/EventsPage")).EventsPage }),
      },
      {
        path: "sessions",
        lazy: async () => ({ Component: (await import("../pages/sessions/SessionsPage")).SessionsPage }),
      },
      {
        path: "settings",
        lazy: async () => ({ Component: (await import("../pages/settings/SettingsPage")).SettingsPage }),
      },
      { path: "*", element: <MissingPage /> },
    ],
  },
];

export const router = createBrowserRouter(
  [{ errorElement: <BrokenPage />, hydrateFallbackElement: <PageSkeleton />, children: routes }],
  { basename: "/ui" },
);
