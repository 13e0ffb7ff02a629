import { defineConfig } from "@playwright/test";
import { chromium } from "./playwright.config";

/** The pictures of the README: `npm run screenshots` writes docs/images. */
export default defineConfig({
  testDir: "e2e/pictures",
  testMatch: "*.pictures.ts",
  workers: 1,
  timeout: 90_000,
  reporter: [["list"]],
  use: { ...chromium, deviceScaleFactor: 2 },
});
