/** A part of a text: as written, or the inside of `{{ ... }}`. */
export type TextPart =
  { readonly kind: "text"; readonly text: string } | { readonly kind: "reference"; readonly name: string; readonly raw: string };

/** Splits a text at its `{{ ... }}`; what is not closed, or holds braces itself, is text. */
export function splitTemplate(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(/\{\{([^{}]*)\}\}/g)) {
    if (match.index > from) parts.push({ kind: "text", text: text.slice(from, match.index) });
    parts.push({ kind: "reference", name: (match[1] ?? "").trim(), raw: match[0] });
    from = match.index + match[0].length;
  }
  if (from < text.length || parts.length === 0) parts.push({ kind: "text", text: text.slice(from) });
  return parts;
}
