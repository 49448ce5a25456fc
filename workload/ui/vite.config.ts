import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { precompress } from "./vite/precompress.ts";

// For development only: which hub to ask, and a service account's token to be signed in with. Neither is built in.
const hub = process.env.CM_HUB ?? "https://127.0.0.1:9443";
const token = process.env.CM_TOKEN;
const toHub = {
  target: hub,
  secure: false,
  headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
};

// As the hub serves the pages, so that what it would forbid is seen here too.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  // Vanilla's icons are data: URLs.
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

export default defineConfig({
  base: "/ui/",
  plugins: [react(), precompress()],
  build: {
    target: "es2023",
    // Small files would become data: URLs, which the content security policy need not allow for fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  css: {
    preprocessorOptions: {
      scss: {
        quietDeps: true,
        silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
      },
    },
  },
  server: { host: "127.0.0.1", proxy: { "/1.0": toHub, "/oidc": toHub } },
  preview: {
    host: "127.0.0.1",
    proxy: { "/1.0": toHub, "/oidc": toHub },
    headers: { "content-security-policy": contentSecurityPolicy },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
