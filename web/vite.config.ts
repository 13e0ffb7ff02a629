import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` shows the pages as they change, over a running `tieline local`.
const server = process.env.TIELINE_URL ?? "http://127.0.0.1:8700";
const proxied = { target: server, changeOrigin: true, headers: { origin: server } };

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    outDir: "dist",
    // Everything is served from the same origin, under a policy that forbids data: scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": proxied, "/healthz": proxied } },
});
