import { defineConfig } from "vitest/config";

const at = (path: string): string => new URL(path, import.meta.url).pathname;

const PURE_ROOMS = "json,model,errors,time,expression,secrets,catalog,compile,history,review";

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
    // needs a build: `npm run test:package`
    exclude: ["test/package/**", "test/fixtures/**"],
    setupFiles: ["./test/fast-check.setup.ts"],
    maxWorkers: 2,
    testTimeout: 20_000,
    coverage: {
      provider: "v8",
      include: ["src/**"],
      reporter: ["text-summary", "json-summary", "html"],
      thresholds: {
        lines: 90,
        branches: 90,
        // the rooms that are the same in, the same out: nothing excuses a line that no test has run
        [`src/{${PURE_ROOMS}}/**`]: { lines: 100, branches: 100 },
      },
    },
  },
});
