import { readFileSync } from "node:fs";
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { precompress } from "./vite/precompress.ts";

// `make ui-dev` serves the source with hot reload at https://localhost:5173/ui/ and passes /1.0 and /oidc on to a running
// hub, by default that of `make run`. The hub's self-signed certificate is accepted. Nothing here becomes part of a build.
//
// - With the certificate of `make run` (CM_TLS_DIR) the dev server speaks HTTPS. It keeps the browser's `Host`, for which
//   the hub forms its sign-in address, so signing in works as on the hub itself: the session cookies need HTTPS, and the
//   development identity provider accepts any port of localhost.
// - Without that certificate, or with a hub elsewhere, use a service account's token (CM_TOKEN): every request carries it,
//   and the UI is signed in as that account. The hub then receives its own name as `Host`.
const hub = process.env.CM_HUB ?? "https://localhost:9000";
const token = process.env.CM_TOKEN;
const tlsFolder = process.env.CM_TLS_DIR ?? new URL("../../.local/management", import.meta.url).pathname;
const toHub = {
  target: hub,
  secure: false,
  changeOrigin: token !== undefined,
  headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
};
const tls = certificate();
const server = {
  host: "localhost",
  proxy: { "/1.0": toHub, "/oidc": toHub },
  ...(tls === undefined ? {} : { https: tls }),
};

function certificate(): { cert: Buffer; key: Buffer } | undefined {
  try {
    return { cert: readFileSync(join(tlsFolder, "tls.crt")), key: readFileSync(join(tlsFolder, "tls.key")) };
  } catch {
    return undefined;
  }
}

// The hub's own policy, so that `npm run preview` reveals violations too.
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
    // Small files would become data: URLs, which the content security policy does not allow for fonts.
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
  server,
  preview: { ...server, headers: { "content-security-policy": contentSecurityPolicy } },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
