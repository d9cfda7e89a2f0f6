import { importsOf } from "./imports.js";
import type { SourceText } from "./source-tree.js";

/**
 * Import cycles between files, one per knot, each as a path whose first and last file are equal; type imports count.
 *
 * A depth-first walk that reports the first edge back into the current path; files already left behind are not entered again.
 */
export function findCycles(files: readonly SourceText[]): readonly (readonly string[])[] {
  const edges = new Map(files.map((file) => [file.path, targetsOf(file)]));
  const done = new Set<string>();
  const cycles: string[][] = [];
  const trail: string[] = [];

  const visit = (path: string): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      cycles.push([...trail.slice(at), path]);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const next of edges.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };

  for (const file of files) visit(file.path);
  return cycles;
}

function targetsOf(file: SourceText): readonly string[] {
  return [
    ...new Set(
      importsOf(file)
        .filter((edge) => edge.inTree)
        .map((edge) => edge.to),
    ),
  ];
}
