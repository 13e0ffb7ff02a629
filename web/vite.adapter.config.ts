import { defineConfig } from "vite";

// One script for a page that already holds Streams and Open CTI: `Tieline.start({…})`.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2022",
    outDir: "dist/adapter",
    emptyOutDir: true,
    lib: { entry: "src/adapter/index.ts", name: "Tieline", formats: ["iife"], fileName: () => "tieline-adapter.js" },
  },
});
