import { defineConfig } from "vitest/config";

/** The checks of the packed package: apart from the others, because packing builds. */
export default defineConfig({
  test: {
    include: ["test/package/**/*.test.ts"],
    globalSetup: ["./test/package/packed.ts"],
    testTimeout: 300_000,
  },
});
