import { RunsealError } from "../errors/error.js";
import { toWellFormed } from "./quote.js";

/** Deepest nesting of arrays and objects that the restricted model allows; a scalar root has depth 0. */
export const DEPTH_MAX = 256;

/** Largest canonical text when the caller names no limit: 64 MiB, the largest size that anything sealed may have. */
export const BYTES_MAX_DEFAULT = 67_108_864;

/** How much canonical text a call accepts. */
export interface CanonicalOptions {
  /** Most UTF-8 bytes of canonical text; default 64 MiB. */
  readonly bytesMax?: number;
}

/** Where a walk over a hostile value stands; one is made per call and never shared. */
export interface Walk {
  /** Names and indices from the root; only the first `depth` of them are meant. */
  readonly path: (string | number)[];
  /** The open containers, outermost first; only those above the current one are meant. */
  readonly open: object[];
  readonly bytesMax: number;
  /** How many steps of `path` lead to the value being read. */
  depth: number;
  /** UTF-16 units of canonical text counted so far, by walks that write none. */
  units: number;
  /** The error this walk itself raised, to tell it from whatever a Proxy trap throws. */
  refusal: RunsealError | undefined;
}

/**
 * Runs `read` over a fresh walk, so that nothing but a coded error leaves it.
 *
 * @throws {@link RunsealError} whatever the walk refused; `value.not_canonical` for anything else thrown while reading
 */
export function walkSafely<T>(bytesMax: number, read: (walk: Walk) => T): T {
  // room for as deep as most values are: an array that grows takes room for seventeen
  const walk: Walk = {
    path: new Array<string | number>(4),
    open: new Array<object>(4),
    bytesMax,
    depth: 0,
    units: 0,
    refusal: undefined,
  };
  try {
    return read(walk);
  } catch (error) {
    if (walk.refusal !== undefined && error === walk.refusal) throw walk.refusal;
    throw notCanonical(walk, "a value that throws when it is read", { cause: error });
  }
}

/**
 * Opens a container: one level deeper, not inside itself.
 *
 * Cost: one comparison per level above, at most 256.
 *
 * @throws {@link RunsealError} `value.not_canonical` when it contains itself, `value.too_deep` beyond 256 levels
 */
export function enter(walk: Walk, container: object): void {
  const { depth, open } = walk;
  for (let level = 0; level < depth; level += 1) {
    if (open[level] === container) refuse(walk, "a cycle");
  }
  if (depth >= DEPTH_MAX) throw (walk.refusal = tooDeep(walk));
  open[depth] = container;
}

/** Refuses the value that the walk stands at. */
export function refuse(walk: Walk, found: string): never {
  throw (walk.refusal = notCanonical(walk, found));
}

/** Refuses a value whose canonical text has `bytes` or more bytes. */
export function refuseSize(walk: Walk, bytes: number): never {
  const { bytesMax } = walk;
  const message = `canonical text has at least ${bytes} bytes, more than the ${bytesMax} allowed; store the body as an artifact`;
  throw (walk.refusal = new RunsealError("value.too_large", message, { what: "canonical text", bytes, bytesMax }));
}

/**
 * Refuses `text` when its UTF-8 form is longer than the walk allows.
 *
 * Every UTF-16 unit takes one to three bytes, so bytes are only counted where that leaves a doubt.
 */
export function checkSize(walk: Walk, text: string): void {
  if (text.length * 3 <= walk.bytesMax) return;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > walk.bytesMax) refuseSize(walk, bytes);
}

function notCanonical(walk: Walk, found: string, options?: ErrorOptions): RunsealError<"value.not_canonical"> {
  const pointer = jsonPointer(walk.path.slice(0, walk.depth));
  const message = `${pointer === "" ? "the value" : `the value at "${pointer}"`} is not canonical: found ${found}; ${ALLOWED}`;
  return new RunsealError("value.not_canonical", message, { pointer, found }, options);
}

function tooDeep(walk: Walk): RunsealError<"value.too_deep"> {
  const pointer = jsonPointer(walk.path.slice(0, walk.depth));
  return new RunsealError("value.too_deep", `the value is nested deeper than ${DEPTH_MAX} levels; flatten it`, {
    pointer,
    depthMax: DEPTH_MAX,
  });
}

/**
 * Writes `path` as a JSON Pointer (RFC 6901) that can be recorded: `""` is the root; `~` and `/` in names are escaped, a lone
 * surrogate is written U+FFFD, and beyond 2,048 UTF-16 units the rest is cut and marked with an ellipsis.
 */
export function jsonPointer(path: readonly (string | number)[]): string {
  let pointer = "";
  for (const step of path) {
    pointer += `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (pointer.length > POINTER_LENGTH_MAX) return toWellFormed(`${pointer.slice(0, POINTER_LENGTH_MAX)}…`);
  }
  return toWellFormed(pointer);
}

const POINTER_LENGTH_MAX = 2048;

const ALLOWED =
  "allowed are null, booleans, well-formed strings, safe integers, arrays and plain objects (decimals and dates travel as strings)";
