import { defineConfig } from "vitest/config";

const at = (path: string): string => new URL(path, import.meta.url).pathname;

export default defineConfig({
  resolve: {
    // tests and examples import the package by its own name, as a user would
    alias: [
      { find: /^runseal$/, replacement: at("./src/index.ts") },
      { find: /^runseal\/sqlite$/, replacement: at("./src/sqlite.ts") },
      { find: /^runseal\/testing$/, replacement: at("./src/testing.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["./test/fast-check.setup.ts"],
    maxWorkers: 2,
    testTimeout: 20_000,
  },
});
