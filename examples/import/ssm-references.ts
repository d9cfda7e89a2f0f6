import { apply, type Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { SsmParameter } from "./ssm-parameters.js";
import { translateText, type ResolveReference } from "./translate.js";

/** What a reference to an earlier step reads. */
export interface SsmStepPlace {
  readonly label: string;
  /** The result is an answer that also tells of failure; its outputs are one level down. */
  readonly isAnswering: boolean;
}

/** What the references of one step may name. */
export interface SsmReferenceScope {
  readonly parameters: ReadonlyMap<string, SsmParameter>;
  /** The step of this name where it comes earlier; `later` where it does not; `undefined` where there is none. */
  step(name: string): SsmStepPlace | "later" | undefined;
}

/** Inputs in a language of their own, where double braces may mean something else. */
const OTHER_LANGUAGE = /\/inputs\/(?:Script|TemplateBody)$/;

const DOTTED = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+(?:\[\d+\])*)*$/;

/** Makes the function that says what `{{ ... }}` means in an Automation document. */
export function ssmResolver(scope: SsmReferenceScope, findings: Findings): ResolveReference {
  return (name, pointer) => {
    // CloudFormation resolves these itself, inside a template
    if (name.startsWith("resolve:")) return "text";
    const [, source = "", rest = ""] = /^(\w+):(.+)$/.exec(name) ?? [];
    if (["global", "automation", "ssm"].includes(source)) return supplied(`${source}:${rest}`, findings);
    if (source === "variable" || source === "loop") {
      const message = `"${name}" changes while the document runs; the values of a plan are given once`;
      return findings.refuse("import.loop", pointer, message);
    }
    if (!DOTTED.test(name)) return "text";
    const [first = "", ...path] = name.split(/[.[\]]+/).filter((part) => part !== "");
    const parameter = scope.parameters.get(first);
    if (parameter !== undefined && (path.length === 0 || parameter.isMap)) return parameterDraft(parameter, path, findings);
    if (OTHER_LANGUAGE.test(pointer) && scope.step(first) === undefined) {
      findings.note(pointer, `"{{${name}}}" names nothing of the document and is left as it is written`);
      return "text";
    }
    return stepDraft(scope, first, path, { name, pointer, findings });
  };
}

/** A value that the service itself knows. */
function supplied(source: string, findings: Findings): Draft {
  return { kind: "bind", name: findings.binds(source) };
}

function parameterDraft({ name, computedDefault }: SsmParameter, path: readonly string[], findings: Findings): Draft | undefined {
  const given: Draft = { kind: "param", path: [name, ...path] };
  if (computedDefault === undefined) return given;
  // a default may speak of what the service supplies, not of other parameters
  const resolve = ssmResolver({ parameters: new Map(), step: () => undefined }, findings);
  const otherwise = translateText(computedDefault.text, computedDefault.pointer, resolve);
  return otherwise === undefined ? undefined : apply("orElse", given, otherwise);
}

function stepDraft(
  scope: SsmReferenceScope,
  step: string,
  path: readonly string[],
  at: { readonly name: string; readonly pointer: string; readonly findings: Findings },
): Draft | undefined {
  const place = path.length === 0 ? undefined : scope.step(step);
  if (place === undefined || place === "later") {
    const what = place === "later" ? "a step that does not come before this one" : "no parameter and no output of a step";
    return at.findings.refuse("import.unknown_reference", at.pointer, `"${at.name}" names ${what}`);
  }
  return { kind: "result", label: place.label, path: place.isAnswering ? ["output", ...path] : path };
}
