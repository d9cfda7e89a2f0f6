import type { ActiveConstraint, CompilationError, ConstraintViolation, Remediation } from "../model/outcome.js";
import type { CompileCatalog } from "./compile-request.js";
import type { Pack } from "../model/pack.js";
import type { Plan } from "../model/plan.js";
import type { WriteSet } from "../model/write-set.js";
import { commonPattern, domainOf, matchesVerb, nameInRef } from "./verb-pattern.js";
import { compilationError, errorFinding } from "./refusals.js";

/** Verbs below these names are admitted under every pack. */
const ALWAYS = ["session.", "view.", "nav."] as const;

const ALTERNATIVES_MAX = 5;

/**
 * Holds a plan against the active packs.
 *
 * What is allowed is what every pack allows that restricts at all; what is forbidden is what any pack forbids, and forbidden beats
 * allowed; entity kinds are held against writes and late writes. Verbs below `session.`, `view.` and `nav.` always pass.
 *
 * @returns `undefined` when the plan passes; `pack_constraint` when the packs contradict each other, so that nothing is allowed;
 * else a violation with every verb, the constraints that stand against it, and ways out
 */
export function checkGate(
  plan: Plan,
  writeSet: WriteSet,
  packIds: readonly string[],
  catalog: CompileCatalog,
): ConstraintViolation | CompilationError | undefined {
  const packs = [...new Set(packIds)].sort().flatMap((id) => catalog.pack(id) ?? []);
  if (packs.length === 0) return undefined;
  const verbs = verbsOf(plan);
  const contradiction = verbs.length === 0 ? undefined : contradictionIn(packs);
  if (contradiction !== undefined) return contradiction;
  const active = [...verbs.flatMap((verb) => against(verb, packs)), ...againstKinds(plan, writeSet, packs)];
  return active.length === 0 ? undefined : violation(active, plan, writeSet, packs, catalog);
}

/** The names of a plan's verbs that packs speak about, in order of the plan. */
function verbsOf(plan: Plan): readonly string[] {
  return [...new Set(plan.steps.map((step) => nameInRef(step.verb)))].filter((verb) => !isAlwaysAdmitted(verb));
}

function isAlwaysAdmitted(verb: string): boolean {
  return ALWAYS.some((prefix) => verb.startsWith(prefix));
}

function contradictionIn(packs: readonly Pack[]): CompilationError | undefined {
  const restricting = packs.filter((pack) => pack.allowedVerbs.length > 0);
  const [first, ...others] = restricting.map((pack) => pack.allowedVerbs);
  if (first === undefined) return undefined;
  const common = others.reduce((a, b) => a.flatMap((left) => b.flatMap((right) => commonPattern(left, right) ?? [])), first);
  if (common.length > 0) return undefined;
  const names = restricting.map((pack) => `"${pack.name}"`).join(" and ");
  const message = `the active packs contradict each other: no verb is allowed by ${names} together; suspend one of them`;
  const ids = restricting.map((pack) => pack.id);
  return compilationError("pack_constraint", [errorFinding("gate.contradiction", ids[0] ?? "", message, ids)]);
}

/** The constraints that stand against one verb. */
function against(verb: string, packs: readonly Pack[]): readonly ActiveConstraint[] {
  return packs.flatMap((pack): readonly ActiveConstraint[] => {
    const from = { packId: pack.id, packName: pack.name };
    if (pack.forbiddenVerbs.some((pattern) => matchesVerb(pattern, verb))) {
      return [{ ...from, constraint: { type: "forbidden_verb", verb } }];
    }
    const isAllowed = pack.allowedVerbs.length === 0 || pack.allowedVerbs.some((pattern) => matchesVerb(pattern, verb));
    return isAllowed ? [] : [{ ...from, constraint: { type: "verb_not_allowed", verb } }];
  });
}

function againstKinds(plan: Plan, writeSet: WriteSet, packs: readonly Pack[]): readonly ActiveConstraint[] {
  const kinds = new Set(plan.steps.flatMap((step) => kindsWritten(writeSet, step.id)));
  return packs.flatMap((pack) =>
    pack.forbiddenEntityKinds
      .filter((kind) => kinds.has(kind))
      .map((kind): ActiveConstraint => ({
        packId: pack.id,
        packName: pack.name,
        constraint: { type: "forbidden_entity_kind", kind },
      })),
  );
}

function kindsWritten(writeSet: WriteSet, stepId: string): readonly string[] {
  const touched = writeSet.byStep.get(stepId);
  if (touched === undefined) return [];
  return [...touched.writes.map((subject) => subject.kind), ...touched.lateWrites.map((late) => late.kind)];
}

function violation(
  active: readonly ActiveConstraint[],
  plan: Plan,
  writeSet: WriteSet,
  packs: readonly Pack[],
  catalog: CompileCatalog,
): ConstraintViolation {
  const kinds = new Set(
    active.flatMap(({ constraint }) => (constraint.type === "forbidden_entity_kind" ? [constraint.kind] : [])),
  );
  const named = active.flatMap(({ constraint }) => (constraint.type === "forbidden_entity_kind" ? [] : [constraint.verb]));
  const byKind = plan.steps
    .filter((step) => kindsWritten(writeSet, step.id).some((kind) => kinds.has(kind)))
    .map((step) => nameInRef(step.verb));
  const violatingVerbs = [...new Set([...named, ...byKind])];
  const contributing = packs.filter((pack) => active.some((constraint) => constraint.packId === pack.id));
  return {
    kind: "constraint_violation",
    explanation: active.map(explain).join("; "),
    violatingVerbs,
    activeConstraints: active,
    remediationOptions: [
      ...contributing.map((pack): Remediation => ({ type: "suspend_pack", packId: pack.id, packName: pack.name })),
      ...alternatives(violatingVerbs, packs, catalog),
      ...widerPacks(violatingVerbs, packs, catalog),
    ],
  };
}

function explain({ packName, constraint }: ActiveConstraint): string {
  switch (constraint.type) {
    case "forbidden_verb":
      return `"${packName}" forbids "${constraint.verb}"`;
    case "verb_not_allowed":
      return `"${packName}" does not allow "${constraint.verb}"`;
    case "forbidden_entity_kind":
      return `"${packName}" forbids writing any ${constraint.kind}`;
  }
}

/** Allowed verbs of the same domains, those that share the longest beginning first. */
function alternatives(violating: readonly string[], packs: readonly Pack[], catalog: CompileCatalog): readonly Remediation[] {
  const domains = new Set(violating.map(domainOf));
  const names = new Map(
    catalog.verbs.filter(({ contract }) => !contract.retired).map(({ contract }) => [contract.name, contract.sentence ?? ""]),
  );
  const found = [...names]
    .filter(([verb]) => domains.has(domainOf(verb)) && !violating.includes(verb) && against(verb, packs).length === 0)
    .map(([verb, description]) => ({ verb, description, score: Math.max(...violating.map((other) => likeness(verb, other))) }))
    .sort((a, b) => b.score - a.score || (a.verb < b.verb ? -1 : 1))
    .slice(0, ALTERNATIVES_MAX);
  return found.length === 0 ? [] : [{ type: "alternative_verbs", alternatives: found }];
}

/** The share of the longer name that two names begin with alike, in hundredths. */
function likeness(a: string, b: string): number {
  const longest = Math.max(a.length, b.length);
  let same = 0;
  while (same < longest && a[same] === b[same]) same += 1;
  return Math.round((same / longest) * 100) / 100;
}

/** Packs that are not active and would let every violating verb pass. */
function widerPacks(violating: readonly string[], active: readonly Pack[], catalog: CompileCatalog): readonly Remediation[] {
  const suggestedPacks = catalog.packs
    .filter((pack) => !active.includes(pack) && violating.every((verb) => against(verb, [pack]).length === 0))
    .map((pack) => pack.id)
    .sort();
  return suggestedPacks.length === 0 ? [] : [{ type: "widen_scope", suggestedPacks }];
}
