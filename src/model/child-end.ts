import type { JsonValue } from "../json/value.js";
import type { RunId } from "./ids.js";

/** How a child run ended: what `ctx.child` gives. */
export type ChildEnd =
  | { readonly status: "completed"; readonly runId: RunId; readonly output: JsonValue }
  | { readonly status: "failed"; readonly runId: RunId; readonly code: string; readonly message: string }
  | { readonly status: "canceled"; readonly runId: RunId; readonly reason: string };
