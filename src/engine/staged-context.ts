import type { ContextView } from "../history/context-view.js";
import type { ContextSchema } from "../model/step-context.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { StagedDelta } from "./staged-delta.js";
import { RunsealError } from "../errors/error.js";
import { artifactOf, artifactWritten, isSmall } from "./step-outcome.js";
import { canonicalText } from "../json/canonical.js";
import { copyCanonical } from "../json/copy.js";

/** Most that one attempt may write into the context: 4 MiB of canonical text. */
const STAGED_BYTES_MAX = 4_194_304;

const KEY = /^[A-Za-z0-9_][A-Za-z0-9_.:/[\]@-]{0,255}$/;

/**
 * The context as one attempt sees and changes it (D-050): what its plan ancestors wrote, and its own changes on top, which count
 * only when the attempt completes.
 */
export class StagedContext {
  readonly #base: ContextView;
  /** Values of the base that are artifacts, read beforehand. */
  readonly #loaded: ReadonlyMap<string, JsonValue>;
  readonly #staged = new Map<string, { readonly value: JsonValue } | "deleted">();
  /** Length of everything that was ever set in this attempt. */
  #size = 0;

  constructor(base: ContextView, loaded: ReadonlyMap<string, JsonValue>) {
    this.#base = base;
    this.#loaded = loaded;
  }

  /** The value under a key; `undefined` when there is none. */
  get(key: string): JsonValue | undefined {
    const staged = this.#staged.get(checked(key));
    if (staged !== undefined) return staged === "deleted" ? undefined : staged.value;
    const entry = this.#base.get(key);
    if (entry === undefined) return undefined;
    return entry.ref === undefined ? entry.value : this.#loaded.get(key);
  }

  /**
   * The value under a key as a schema reads it.
   *
   * @throws {@link RunsealError} `context.deserialize_failed` when the schema refuses it
   */
  read<T>(key: string, schema: ContextSchema<T>): T | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    try {
      return schema.parse(value);
    } catch (error) {
      throw new RunsealError(
        "context.deserialize_failed",
        `the context value "${key}" is not what its schema says`,
        { key },
        { cause: error },
      );
    }
  }

  /**
   * Puts a copy of a value under a key.
   *
   * @throws {@link RunsealError} `context.invalid_key`; `value.not_canonical`, `value.too_deep` and `value.too_large` when the value can't be kept
   */
  set(key: string, value: unknown): void {
    const copy = copyCanonical(value, { bytesMax: STAGED_BYTES_MAX });
    const size = checked(key).length + canonicalText(copy).length;
    if (this.#size + size > STAGED_BYTES_MAX) {
      throw new RunsealError(
        "value.too_large",
        `what one attempt sets in the context is at most ${STAGED_BYTES_MAX} bytes; store artifacts`,
        {
          what: "context",
          bytes: this.#size + size,
          bytesMax: STAGED_BYTES_MAX,
        },
      );
    }
    this.#size += size;
    this.#staged.set(key, { value: copy });
  }

  /** Takes a key out; whether it was there. */
  delete(key: string): boolean {
    const wasThere = this.get(key) !== undefined;
    if (wasThere) this.#staged.set(key, "deleted");
    return wasThere;
  }

  /** Everything, sorted by key in code-unit order. */
  dump(): JsonObject {
    const keys = new Set<string>(this.#staged.keys());
    for (const [key, entry] of this.#base.entries()) if (!entry.isDeleted) keys.add(key);
    const present = [...keys].sort().flatMap((key) => {
      const value = this.get(key);
      return value === undefined ? [] : ([[key, value]] as const);
    });
    return Object.fromEntries(present);
  }

  /** What the attempt changed; `undefined` when nothing. */
  delta(kind: "context_delta" | "failure_snapshot" = "context_delta"): StagedDelta | undefined {
    if (this.#staged.size === 0) return undefined;
    const set = Object.fromEntries(
      [...this.#staged].flatMap(([key, staged]) => (staged === "deleted" ? [] : [[key, staged.value]])),
    );
    const deleted = [...this.#staged].flatMap(([key, staged]) => (staged === "deleted" ? [key] : [])).sort();
    const size = this.#size;
    const gone = deleted.length > 0 && { deleted };
    if (kind === "context_delta" && isSmall(set)) return { delta: { set, size, ...gone }, events: [], artifacts: [] };
    const artifact = artifactOf(kind, set);
    const delta = { ref: artifact.id, keys: Object.keys(set).sort(), size, ...gone };
    return { delta, events: [artifactWritten(artifact)], artifacts: [artifact] };
  }
}

function checked(key: unknown): string {
  if (typeof key === "string" && KEY.test(key) && key !== "__proto__") return key;
  const message =
    "a context key has 1 to 256 letters, digits or _.:/[]@- and begins with a letter, a digit or _, such as customer.address";
  throw new RunsealError("context.invalid_key", message, { keyType: typeof key });
}
