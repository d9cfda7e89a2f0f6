/** One command of a DAGMan file. */
export interface DagmanLine {
  /** Upper case. */
  readonly command: string;
  readonly words: readonly string[];
  /** Everything behind the command. */
  readonly rest: string;
  /** `line:<n>`, counted from 1. */
  readonly pointer: string;
}

/** Splits a DAGMan file into commands: comments and empty lines are left out, a `\` at the end goes on in the next line. */
export function dagmanLines(text: string): readonly DagmanLine[] {
  const lines: DagmanLine[] = [];
  let open = "";
  let startedAt = 0;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (open === "") startedAt = index + 1;
    if (open === "" && /^\s*#/.test(line)) continue;
    if (line.endsWith("\\")) {
      open += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = (open + line).trim();
    open = "";
    if (whole === "") continue;
    const [command = "", ...words] = whole.split(/\s+/);
    const rest = whole.slice(command.length).trim();
    lines.push({ command: command.toUpperCase(), words, rest, pointer: `line:${startedAt}` });
  }
  return lines;
}

/** Reads `name="value"` pairs, with `\"` and `\\` in values; `undefined` when there is anything else. */
export function macroPairs(text: string): readonly (readonly [name: string, value: string])[] | undefined {
  const pairs: (readonly [string, string])[] = [];
  const rest = text.replace(/([A-Za-z_+][\w.+-]*)\s*=\s*"((?:[^"\\]|\\.)*)"/g, (_all, name: string, value: string) => {
    pairs.push([name, value.replace(/\\(["\\])/g, "$1")]);
    return "";
  });
  return rest.trim() === "" ? pairs : undefined;
}
