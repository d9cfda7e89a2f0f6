import type { Finding } from "../source-tree.js";

/** A text that the tree must not hold, and why. */
export interface WordRule {
  readonly name: string;
  readonly pattern: RegExp;
  readonly message: string;
}

// written with classes, so that this file does not break its own rules
const words: readonly WordRule[] = [
  { name: "spelling", pattern: /cancell(?:ed|ing)/i, message: "spells canceled with two l" },
  {
    name: "unfinished",
    pattern: /\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/,
    message: "leaves a note to finish; finish it or say so in the docs",
  },
  { name: "machine-path", pattern: /(?<![\w.~-])\/(?:work|root|home|Users)\/[\w.-]/, message: "names a path of one machine" },
  { name: "machine-path", pattern: /\/tmp\/[\w-]/, message: "names a path of one machine; use os.tmpdir()" },
];

/** Every line of a text that breaks one of `rules`. */
export function findWords(path: string, text: string, rules: readonly WordRule[] = words): readonly Finding[] {
  return text
    .split("\n")
    .flatMap((content, index) =>
      rules.filter((rule) => rule.pattern.test(content)).map((rule) => ({ path, line: index + 1, message: rule.message })),
    );
}
