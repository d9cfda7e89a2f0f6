import { defineConfig } from "tsup";

/** Built file -> source: one entry a door. */
export const doors = { index: "src/index.ts", sqlite: "src/sqlite.ts", postgres: "src/postgres.ts", testing: "src/testing.ts" };

export default defineConfig({
  entry: doors,
  format: ["esm", "cjs"],
  // tsup injects `baseUrl` into the declaration build, which TypeScript 6 rejects unless told otherwise
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  splitting: true,
  // makes rollup write the CommonJS chunks; tsup's own way rewrites classes, `?.` and `??` into helper calls
  treeshake: true,
  sourcemap: true,
  clean: true,
  platform: "node",
  target: "node20",
});
