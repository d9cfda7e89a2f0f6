/** A comment, a CDATA section, a processing instruction, a tag, or a `<` that begins none of them. */
const TOKENS =
  /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<(\/?)([A-Za-z_][\w.:-]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>|</g;

/** Where a text stops being XML whose tags are all closed, and why; the parser itself would guess. */
export function xmlFault(text: string): { readonly line: number; readonly message: string } | undefined {
  const open: { readonly name: string; readonly at: number }[] = [];
  for (const match of text.matchAll(TOKENS)) {
    const [token, slash, name, rest = ""] = match;
    if (token === "<") return fault(text, match.index, 'a "<" that begins no tag');
    if (name === undefined) continue;
    if (slash === "/") {
      const last = open.pop();
      if (last?.name !== name) return fault(text, match.index, `</${name}> closes nothing that is open`);
    } else if (!rest.endsWith("/")) {
      open.push({ name, at: match.index });
    }
  }
  const last = open.pop();
  return last === undefined ? undefined : fault(text, last.at, `<${last.name}> is not closed`);
}

function fault(text: string, at: number, message: string): { readonly line: number; readonly message: string } {
  return { line: text.slice(0, at).split("\n").length, message };
}
