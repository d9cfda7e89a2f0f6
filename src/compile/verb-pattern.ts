/** Tells whether a verb is meant by a pattern: its name, or `domain.*` for every verb below a prefix. */
export function matchesVerb(pattern: string, verb: string): boolean {
  return pattern.endsWith(".*") ? verb.startsWith(pattern.slice(0, -1)) : pattern === verb;
}

/** What two patterns both mean, as one pattern; `undefined` when no verb is meant by both. */
export function commonPattern(a: string, b: string): string | undefined {
  if (matchesVerb(a, b) || a === b) return b;
  return matchesVerb(b, a) ? a : undefined;
}

/** The domain of a verb: its name before the first dot. */
export function domainOf(verb: string): string {
  return verb.split(".", 1)[0] ?? verb;
}

/** The name in `name@version`. */
export function nameInRef(ref: string): string {
  return ref.slice(0, ref.lastIndexOf("@"));
}
