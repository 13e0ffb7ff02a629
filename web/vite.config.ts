import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// `npm run dev` answers /api from memory; TIELINE_URL=http://127.0.0.1:8700 hands it to a server instead.
const server = process.env.TIELINE_URL;

/** The mock is loaded by the development server itself, so the configuration needs none of the pages' code. */
function mockApi(): Plugin {
  return {
    name: "tieline-mock",
    apply: "serve",
    async configureServer(vite) {
      const { answer } = (await vite.ssrLoadModule("/dev/answer.ts")) as typeof import("./dev/answer");
      vite.middlewares.use(answer());
    },
  };
}

export default defineConfig({
  plugins: [react(), ...(server || process.env.VITEST ? [] : [mockApi()])],
  build: {
    target: "es2022",
    outDir: "dist",
    // Everything is served from the same origin, under a policy that forbids data: scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: server ? { proxy: { "/api": server, "/healthz": server } } : {},
});
