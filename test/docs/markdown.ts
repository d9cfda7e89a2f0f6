/** One fenced block of a page. */
export interface Snippet {
  /** Path of the page from the root. */
  readonly page: string;
  /** Line of the fence, counted from 1. */
  readonly line: number;
  /** `run`: compiled and executed; `check`: compiled; `read`: must parse. */
  readonly mode: "run" | "check" | "read";
  readonly text: string;
}

/** The TypeScript blocks of a page; the word after `ts` in the fence is the mode. */
export function snippetsOf(page: string, text: string): readonly Snippet[] {
  const snippets: Snippet[] = [];
  for (const match of text.matchAll(/^```(ts|typescript)(?:[ \t]+(\w+))?[ \t]*\n([\s\S]*?)^```[ \t]*$/gm)) {
    const mode = match[2] === "run" || match[2] === "check" ? match[2] : "read";
    snippets.push({ page, line: text.slice(0, match.index).split("\n").length, mode, text: match[3] ?? "" });
  }
  return snippets;
}

/** One link to a place in this repository. */
export interface PageLink {
  readonly page: string;
  readonly line: number;
  /** Path as written, without the anchor; empty for the page itself. */
  readonly path: string;
  /** Anchor without `#`; empty for the page as a whole. */
  readonly anchor: string;
}

/** The links of a page that lead into this repository. */
export function linksOf(page: string, text: string): readonly PageLink[] {
  const prose = text
    .replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, " "))
    .replace(/`[^`\n]*`/g, (code) => " ".repeat(code.length));
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
    const target = text.slice(match.index + 2, match.index + match[0].length - 1);
    if (/^[a-z]+:/.test(target)) return [];
    const [path = "", anchor = ""] = target.split("#");
    return [{ page, line: text.slice(0, match.index).split("\n").length, path, anchor }];
  });
}

/** The anchors of a page, as they are made from its headings. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#{1,6}[ \t]+(.+?)[ \t]*$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replace(/\s/g, "-"),
    ),
  );
}
