import { defineConfig } from "tsup";

export default defineConfig({
  entry: { index: "src/index.ts", sqlite: "src/sqlite.ts", testing: "src/testing.ts" },
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
