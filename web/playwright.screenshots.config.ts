import { defineConfig } from "@playwright/test";
import { chromium } from "./playwright.config";

/** The pictures of the README (`npm run screenshots` writes docs/images), and what a browser measures (`npm run frames`). */
export default defineConfig({
  testDir: "e2e",
  testMatch: ["pictures/*.pictures.ts", "figures/*.figures.ts"],
  workers: 1,
  timeout: 90_000,
  reporter: [["list"]],
  use: chromium,
});
