const NEEDS_ESCAPE = /[^\x20\x21\x23-\x5b\x5d-\ud7ff\ue000-\uffff]/;
const NAMES_MAX = 4096;
const NAME_LENGTH_MAX = 64;

/** How a member starts: the first one opens its object, the next ones follow a comma; one that is text goes on with a quote. */
export interface MemberStart {
  readonly first: string;
  readonly next: string;
  readonly firstText: string;
  readonly nextText: string;
}

const known = new Map<string, MemberStart>();

/** What strings have in every runtime this package supports (ES2024) and the library types of ES2023 leave out. */
type Es2024String = string & { isWellFormed(): boolean; toWellFormed(): string };

/** Tells whether `text` has no lone surrogate; linear. */
export function isWellFormed(text: string): boolean {
  return (text as Es2024String).isWellFormed();
}

/** The same text with U+FFFD for every lone surrogate; linear. */
export function toWellFormed(text: string): string {
  return (text as Es2024String).toWellFormed();
}

/** Tells whether `text` stands between its quotes as it is: no quote, backslash, control character or surrogate; linear. */
export function isVerbatim(text: string): boolean {
  return !NEEDS_ESCAPE.test(text);
}

/**
 * Writes `text` as a JSON string literal in the form of RFC 8785, or `undefined` when it holds a lone surrogate.
 *
 * Cost: linear; text without quotes, backslashes, control characters and surrogates is copied as it stands.
 */
export function quote(text: string): string | undefined {
  if (isVerbatim(text)) return `"${text}"`;
  return isWellFormed(text) ? JSON.stringify(text) : undefined;
}

/**
 * Writes the start of a member up to its colon, or `undefined` when the name holds a lone surrogate.
 *
 * Names repeat in nearly every document, so short ones are remembered: at most 4,096 names of at most 64 UTF-16 units each.
 */
export function memberStart(name: string): MemberStart | undefined {
  return known.get(name) ?? newMemberStart(name);
}

function newMemberStart(name: string): MemberStart | undefined {
  const quoted = quote(name);
  if (quoted === undefined) return undefined;
  const start = { first: `{${quoted}:`, next: `,${quoted}:`, firstText: `{${quoted}:"`, nextText: `,${quoted}:"` };
  if (name.length <= NAME_LENGTH_MAX && known.size < NAMES_MAX) known.set(name, start);
  return start;
}
