// The entry point of the UI.
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router/dom";
import { prefetch } from "./app/prefetch";
import { queryClient } from "./app/queryClient";
import { router } from "./app/routes";
import { followTheme } from "./app/theme";
import "./styles/index.scss";

followTheme();
prefetch(location);
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
