import type ts from "typescript";
import { lineOf, walk, type Finding, type SourceText } from "./source-tree.js";

/** One thing the house does not do, and how to see it in a file. */
export interface Rule {
  readonly name: string;
  readonly find: (file: SourceText) => readonly Finding[];
}

/**
 * A rule that looks at one node at a time.
 *
 * `judge` says what is wrong with a node, or `undefined`; `except` names files (or rooms, ending in `/`) that the rule leaves alone.
 */
export function nodeRule(name: string, judge: (node: ts.Node) => string | undefined, except: readonly string[] = []): Rule {
  return {
    name,
    find: (file) => {
      if (except.some((place) => file.path === place || (place.endsWith("/") && file.path.startsWith(place)))) return [];
      const findings: Finding[] = [];
      walk(file.ast, (node) => {
        const message = judge(node);
        if (message !== undefined) findings.push({ path: file.path, line: lineOf(file, node), message });
      });
      return findings;
    },
  };
}
