import type { Asked } from "./refusals.js";
import type { CompileCatalog, CompileMacro, CompileVerb, PinnedAnswer } from "./compile-request.js";
import type { CompileContext } from "../model/invocation.js";
import type { Digest } from "../model/ids.js";
import type { JsonValue } from "../json/value.js";
import type { Limits } from "../model/limits.js";

/** The verb or macro that was asked for. */
export type Root =
  { readonly kind: "verb"; readonly verb: CompileVerb } | { readonly kind: "macro"; readonly macro: CompileMacro };

/** An invocation that classification has let through: everything that expansion may know. */
export interface ExpandRequest {
  readonly catalog: CompileCatalog;
  readonly context: CompileContext;
  readonly root: Root;
  /** The arguments as the parse gives them, defaults included. */
  readonly args: JsonValue;
  /** Canonical text of the tree that stands for `args`. */
  readonly argsText: string;
  /** Digest of scope, intent and invocation: what new ids are made from. */
  readonly seed: Digest;
  readonly intent: string | null;
  readonly uses: "once" | "many";
  readonly limits: Limits;
  readonly pinned: ReadonlyMap<string, PinnedAnswer>;
  /** For questions to the operator. */
  readonly asked: () => Asked;
}
