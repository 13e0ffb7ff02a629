import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { mockApi } from "./dev/plugin";

// `npm run dev` answers /api from memory; TIELINE_URL=http://127.0.0.1:8700 hands it to a server instead.
const server = process.env.TIELINE_URL;

export default defineConfig({
  plugins: [react(), ...(server ? [] : [mockApi()])],
  build: {
    target: "es2022",
    outDir: "dist",
    // Everything is served from the same origin, under a policy that forbids data: scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: server ? { proxy: { "/api": server, "/healthz": server } } : {},
});
