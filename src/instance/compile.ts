import type { CompileContext, Invocation } from "../model/invocation.js";
import type { CompileOutcome, CompileRefusal } from "../model/outcome.js";
import type { InstanceParts } from "./parts.js";
import type { MissingLookup, Planned } from "../compile/compile-request.js";
import type { Runbook } from "../model/runbook.js";
import { REDACTED } from "../secrets/redact.js";
import { knownIn } from "../engine/keep-secret.js";
import { pictureOf } from "../engine/raw-value.js";
import { allowSetOf } from "./policy.js";
import { askLookup } from "./ask-lookup.js";
import { assertOutsideStep } from "./phase-guard.js";
import { internalError, storeFailed } from "../compile/refusals.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { preview } from "../review/preview.js";
import { resolvePlan } from "../compile/resolve.js";
import { seal } from "../compile/seal.js";
import { shown } from "./shown.js";
import { strictestLimits } from "../model/limits.js";
import { verbRef } from "../model/verb.js";

/**
 * Turns an invocation into a sealed, stored runbook, or says why not: all or nothing.
 *
 * @throws {@link RunsealError} `compile.reexpansion_forbidden` inside a running step
 */
export async function compile(
  parts: InstanceParts,
  invocation: Invocation,
  context: CompileContext = {},
): Promise<CompileOutcome> {
  assertOutsideStep("compile");
  refuseKnownSecret(parts, { invocation, context });
  try {
    const planned = await plan(parts, named(invocation), context);
    return planned.kind === "planned" ? await store(parts, seal(planned), planned, context) : planned;
  } catch (error) {
    if (isRunsealError(error, "internal.invariant")) return internalError(error);
    throw error;
  }
}

/**
 * Refuses what would be sealed with a secret in it that this process has handed out; shapes of credentials are the compiler's to find.
 *
 * @throws {@link RunsealError} `secret.detected`
 */
function refuseKnownSecret(parts: InstanceParts, given: unknown): void {
  const known = knownIn(parts.engine, parts.scope);
  if (known === undefined) return;
  // a picture reads anything without running its code
  const picture = pictureOf(given, (text) => known.redactText(text));
  if (!JSON.stringify(picture).includes(REDACTED)) return;
  const message = "the arguments or their context hold a secret that was handed out; pass a reference such as secretRef(name)";
  throw new RunsealError("secret.detected", message, { pointer: "", rule: "known_secret" });
}

/** The invocation as far as it is one: what has no name is refused by the compiler in the operator's words. */
function named(invocation: unknown): Invocation {
  if (typeof invocation !== "object" || invocation === null) return { name: shown(invocation), args: {} };
  const { name, args } = invocation as { readonly name?: unknown; readonly args?: unknown };
  return { name: typeof name === "string" ? name : shown(name), args };
}

async function plan(parts: InstanceParts, invocation: Invocation, context: CompileContext): Promise<Planned | CompileRefusal> {
  const allowed =
    context.allowed ??
    (await allowSetOf(parts.policy, {
      scope: parts.scope,
      invocation,
      requestedBy: context.requestedBy ?? null,
      sessionId: context.session?.id ?? null,
    }));
  const limits =
    context.limits === undefined ? parts.limits : strictestLimits(parts.limits, { ...parts.limits, ...context.limits });
  const request = { catalog: parts.catalog, scope: parts.scope, invocation, context, allowed, limits, writeSet: parts.writeSet };
  return resolvePlan(request, async (missing: MissingLookup) => ({
    response: await askLookup(parts, { path: missing.path, verb: verbRef(missing.verb.contract), args: missing.args }),
    performedAt: parts.engine.env.now(),
  }));
}

async function store(parts: InstanceParts, runbook: Runbook, planned: Planned, context: CompileContext): Promise<CompileOutcome> {
  try {
    const { faultPoint } = parts.engine;
    faultPoint?.("seal.before_put");
    const { isNew } = await parts.stores.runbooks.put(runbook);
    faultPoint?.("seal.after_put");
    const version =
      context.session === undefined
        ? null
        : await parts.stores.runbooks.recordVersion(parts.scope, context.session.id, runbook.id);
    return { kind: "compiled", runbook, preview: preview(runbook), version, isNew, diagnostics: planned.diagnostics };
  } catch (error) {
    if (isRunsealError(error, "internal.invariant")) throw error;
    return storeFailed(error);
  }
}
