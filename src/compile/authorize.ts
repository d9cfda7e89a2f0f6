import type { AllowSet, CompileContext } from "../model/invocation.js";
import type { CompilationError } from "../model/outcome.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Plan } from "../model/plan.js";
import type { SealedLookup } from "../model/envelope.js";
import { compilationError, errorFinding } from "./refusals.js";
import { matchesVerb, nameInRef } from "./verb-pattern.js";

/** A plan whose verbs are all allowed, and the pinned contracts of those that have one: object id to snapshot id. */
export interface Authorized {
  readonly kind: "authorized";
  readonly snapshotManifest: { readonly [objectId: string]: string };
}

/** Tells whether a set of verbs allows one of them. */
export function allowsVerb(allowed: AllowSet, verb: string): boolean {
  return allowed === "all" || allowed.some((pattern) => matchesVerb(pattern, verb));
}

/**
 * Holds a plan against what the policy allows: fail closed (A-090 to A-092, decision 2.5).
 *
 * The verbs of lookups count like those of steps.
 *
 * @returns the pins of the verbs in use; `policy_unavailable` when there is no answer, `policy_denied` with every verb that is not
 * allowed
 */
export function authorize(
  plan: Plan,
  lookups: readonly SealedLookup[],
  allowed: AllowSet | undefined,
  pins: CompileContext["pins"] = {},
): Authorized | CompilationError {
  if (allowed === undefined) return policyUnavailable();
  const places = new Map<string, string[]>();
  const used = [...lookups.map(({ verb, path }) => ({ verb, path })), ...plan.steps.map(({ verb, id }) => ({ verb, path: id }))];
  for (const { verb, path } of used) {
    const known = places.get(nameInRef(verb));
    if (known === undefined) places.set(nameInRef(verb), [path]);
    else known.push(path);
  }
  const denied = [...places].filter(([verb]) => !allowsVerb(allowed, verb)).map(([verb, paths]) => denial(verb, paths));
  return denied.length > 0 ? compilationError("policy_denied", denied) : manifestOf([...places.keys()], pins);
}

/** Nobody said which verbs are allowed. */
export function policyUnavailable(): CompilationError {
  const message = "no policy said which verbs are allowed, and silence is not permission; give the instance a policy";
  return compilationError("policy_unavailable", [errorFinding("authorize.no_answer", "", message)]);
}

function denial(verb: string, paths: readonly string[]): Diagnostic {
  return errorFinding("authorize.denied", paths[0] ?? "", `the policy does not allow "${verb}"`, paths.slice(0, 20));
}

function manifestOf(verbs: readonly string[], pins: NonNullable<CompileContext["pins"]>): Authorized | CompilationError {
  const snapshots = new Map<string, string>();
  const findings: Diagnostic[] = [];
  for (const verb of [...verbs].sort()) {
    const pin = Object.hasOwn(pins, verb) ? pins[verb] : undefined;
    if (pin === undefined) continue;
    const { objectId, snapshotId } = pin;
    const other = snapshots.get(objectId) ?? snapshotId;
    if (other !== snapshotId) {
      const message = `"${objectId}" is pinned to two snapshots, "${other}" and "${snapshotId}"`;
      findings.push(errorFinding("authorize.pin_conflict", verb, message, [other, snapshotId]));
    }
    snapshots.set(objectId, snapshotId);
  }
  if (findings.length > 0) return compilationError("policy_denied", findings);
  return { kind: "authorized", snapshotManifest: Object.fromEntries(snapshots) };
}
