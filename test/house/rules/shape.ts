import { posix } from "node:path";
import ts from "typescript";
import { nodeRule, type Rule } from "../rule.js";

const VAGUE = new Set(["utils", "util", "helpers", "helper", "types", "type", "common", "shared", "misc", "constants", "lib"]);

/** How files and classes are built here. */
export const shapeRules: readonly Rule[] = [
  {
    name: "file-name",
    find: ({ path }) => {
      const base = posix.basename(path).replace(/\.([mc]?ts|tsx)$/, "");
      if (VAGUE.has(base)) return [{ path, line: 1, message: `is named "${base}"; name the file for its main export` }];
      if (base === "index" && path.includes("/"))
        return [{ path, line: 1, message: "is a barrel inside a room; import the file that has the thing" }];
      return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(base)
        ? []
        : [{ path, line: 1, message: `is named "${base}"; file names are kebab-case` }];
    },
  },
  nodeRule("privacy", (node) =>
    node.kind === ts.SyntaxKind.PrivateKeyword || node.kind === ts.SyntaxKind.ProtectedKeyword
      ? "hides with a modifier that run time does not know; use #private"
      : undefined,
  ),
  nodeRule("decorator", (node) => (ts.isDecorator(node) ? "decorates; call a function" : undefined)),
  nodeRule("enum", (node) =>
    ts.isEnumDeclaration(node) || ts.isModuleDeclaration(node) ? "declares an enum or a namespace" : undefined,
  ),
];
