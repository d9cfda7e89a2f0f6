import tseslint from "typescript-eslint";

const PURE_ROOMS = ["json", "errors", "model", "expression", "secrets", "catalog", "compile", "history", "review", "engine"];

export default tseslint.config(
  { ignores: ["dist", "coverage", "test/fixtures"] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-param-reassign": "error",
      "object-shorthand": "error",
      "prefer-template": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "all" }],
      // ports return promises so that a slower neighbour can; the memory one has nothing to wait for
      "@typescript-eslint/require-await": "off",
      // index signatures are read with brackets (`details["code"]`), so that a typo in a known name still fails
      "@typescript-eslint/dot-notation": "off",
      // type parameters that a caller names once say what a value is claimed to be
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      // `interface Env` with function-typed members beside methods: the difference (variance) is used on purpose
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
      "@typescript-eslint/consistent-indexed-object-style": "off",
    },
  },
  {
    files: [`src/{${PURE_ROOMS.join(",")}}/**`],
    rules: {
      // the tidy test refuses these too; here they are underlined while typing
      "no-restricted-globals": [
        "error",
        "process",
        "console",
        "setTimeout",
        "setInterval",
        "setImmediate",
        "performance",
        "fetch",
        "crypto",
        "Intl",
      ],
      "no-restricted-properties": ["error", { object: "Math", property: "random" }, { object: "Date", property: "now" }],
    },
  },
  // typed arrays in a hot loop: indices are counted there, and a check per access costs what the file exists to save
  {
    files: ["src/compile/kahn.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off", "@typescript-eslint/prefer-for-of": "off" },
  },
  {
    files: ["examples/**", "docs/**"],
    rules: {
      "no-console": "off",
      "no-restricted-imports": [
        "error",
        { patterns: [{ regex: "/src/", message: 'An example imports the package as a user does: from "runseal".' }] },
      ],
    },
  },
  { files: ["bench/**"], rules: { "no-console": "off" } },
  {
    files: ["test/**"],
    rules: {
      // tests throw, return and pass what a hostile caller would
      "@typescript-eslint/only-throw-error": "off",
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-dynamic-delete": "off",
      "@typescript-eslint/no-extraneous-class": "off",
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.object.name='vi'][callee.property.name=/^(mock|doMock|hoisted)$/]",
          message:
            "No mocks of our own modules: seams are Clock, Env, stores and handlers, and each has a fake in runseal/testing.",
        },
      ],
    },
  },
  {
    // lines that must not compile: what the compiler says of them is the test
    files: ["test/types/refusals.ts"],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { "@typescript-eslint/ban-ts-comment": "off", "@typescript-eslint/no-unused-vars": "off" },
  },
  { files: ["**/*.{js,mjs,cjs}"], extends: [tseslint.configs.disableTypeChecked] },
  { files: ["test/package/smoke/**"], rules: { "no-console": "off", "@typescript-eslint/no-require-imports": "off" } },
);
