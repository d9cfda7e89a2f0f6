import { defineVerb, type Recovery, type Verb } from "runseal";
import { z } from "zod";
import type { Findings } from "./findings.js";
import { labelStem } from "./labels.js";
import { variantWords, VerbNames } from "./verb-names.js";
import { apiAction, SSM_ACTIONS, type SsmAction } from "./ssm-actions.js";
import type { SourceNode } from "./source-node.js";

/** What a step asks of its verb beyond the action. */
export interface SsmVerbWish {
  readonly action: string;
  readonly step: SourceNode;
  /** Its failure leads somewhere, so that it has to be an answer and not an error. */
  readonly isAnswering: boolean;
}

/** Automation's own default; ours of 5 minutes would end a stack's creation half way. */
const TIMEOUT_SECONDS = 3600;
const TIMEOUT_SECONDS_MAX = 2_000_000;
const TRIES_MAX = 1000;

/** Makes the verbs of one document: steps that ask for the same share one. */
export class SsmVerbs {
  readonly #verbs = new Map<string, Verb>();
  readonly #names = new VerbNames();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Every verb that was asked for, in order of first use. */
  get all(): readonly Verb[] {
    return [...this.#verbs.values()];
  }

  /** The verb of a step; `undefined` when its action was refused. */
  verbOf({ action, step, isAnswering }: SsmVerbWish): Verb | undefined {
    const call = this.#callOf(action, step);
    if (call === undefined) return undefined;
    const tries = this.#literal(step.at("maxAttempts"), TRIES_MAX);
    const timeoutSeconds = this.#literal(step.at("timeoutSeconds"), TIMEOUT_SECONDS_MAX);
    const approvers = action === "aws:approve" ? this.#approvers(step.at("inputs").at("MinRequiredApprovals")) : 0;
    if (approvers === undefined) return undefined;
    const words = [
      ...(isAnswering ? ["_answering"] : []),
      ...(approvers > 1 ? [`_by_${approvers}`] : []),
      ...(isAnswering ? [] : [variantWords(tries === 1 ? undefined : tries, timeoutSeconds)]),
    ].join("");
    const key = JSON.stringify([call.domain, call.word, words]);
    const name = `${call.domain}.${this.#names.segment(key, `${call.word}${words}`)}` as const;
    const known = this.#verbs.get(name);
    if (known !== undefined) return known;
    const verb = isAnswering
      ? // the handler keeps the time and the tries itself, and answers when they are used up
        makeVerb(name, call.action, answer, { tries: 1, timeoutSeconds: TIMEOUT_SECONDS_MAX })
      : makeVerb(name, call.action, action === "aws:approve" ? approvalBy(approvers) : z.looseObject({}), {
          tries: tries ?? 1,
          timeoutSeconds: timeoutSeconds ?? TIMEOUT_SECONDS,
        });
    this.#verbs.set(name, verb);
    return verb;
  }

  /** The verb that ends a run as failed after a critical step failed and the steps for that case have run. */
  verdict(): Verb {
    const known = this.#verbs.get("ssm.verdict");
    const verb =
      known ??
      defineVerb({
        name: "ssm.verdict",
        version: 1,
        effect: "pure",
        args: z.object({ failed: z.array(z.string()) }),
        result: z.looseObject({}),
        retry: { attemptsMax: 1 },
      });
    this.#verbs.set("ssm.verdict", verb);
    return verb;
  }

  #callOf(
    action: string,
    step: SourceNode,
  ): { readonly domain: string; readonly word: string; readonly action: SsmAction } | undefined {
    if (action === "aws:executeAwsApi") return this.#apiCallOf(step.at("inputs"));
    const known = SSM_ACTIONS.get(action);
    if (known === undefined) return this.#unknown(action, step);
    const word = labelStem(action.replace(/^aws:/, ""));
    if (action === "aws:changeInstanceState" && step.at("inputs").at("CheckStateOnly").value === true) {
      return { domain: "ssm", word: `${word}_check_only`, action: { ...known, effect: "read" } };
    }
    return { domain: "ssm", word, action: known };
  }

  #unknown<T>(action: string, step: SourceNode): T | undefined {
    const { pointer } = step.at("action");
    if (action === "aws:loop") {
      return this.#findings.refuse("import.loop", pointer, "aws:loop repeats steps a number of times that only running tells");
    }
    if (action === "aws:updateVariable") {
      return this.#findings.refuse("import.loop", pointer, "aws:updateVariable changes a value; a plan's values are given once");
    }
    return this.#findings.refuse("import.unknown_construct", pointer, `"${action}" is no action that this importer knows`);
  }

  #apiCallOf(inputs: SourceNode): { readonly domain: string; readonly word: string; readonly action: SsmAction } | undefined {
    const [service, api] = [inputs.at("Service").requiredText(), inputs.at("Api").requiredText()];
    if (service === undefined || api === undefined) return undefined;
    if (service.includes("{{") || api.includes("{{")) {
      const message = "which call is made is decided by a value; a plan names its calls";
      return this.#findings.refuse("import.run_time_choice", inputs.pointer, message);
    }
    return { domain: `aws.${labelStem(service.toLowerCase())}`, word: labelStem(api), action: apiAction(api) };
  }

  #literal(node: SourceNode, max: number): number | undefined {
    // a reference is given to the handler as an argument, which keeps it
    if (typeof node.value === "string" && node.value.includes("{{")) return undefined;
    const number = node.integer();
    if (number === undefined || (number >= 1 && number <= max)) return number;
    return this.#findings.refuse("import.wrong_type", node.pointer, `is ${number}, not 1 to ${max}`);
  }

  #approvers(node: SourceNode): number | undefined {
    if (typeof node.value === "string" && node.value.includes("{{")) {
      const message = "how many people have to approve is decided by a value; a gate's contract says it";
      return this.#findings.refuse("import.run_time_choice", node.pointer, message);
    }
    const approvers = node.integer() ?? 1;
    if (approvers >= 1 && approvers <= 10) return approvers;
    return this.#findings.refuse("import.wrong_type", node.pointer, `is ${approvers}, not 1 to 10`);
  }
}

const answer = z.object({
  status: z.enum(["Success", "Failed"]),
  failure: z.string().optional(),
  output: z.looseObject({}),
});

/** The payload of a decision holds the word of as many people as the document asks for. */
function approvalBy(approvers: number): z.ZodType {
  const decision = z.looseObject({ Approver: z.string().min(1), Decision: z.literal("Approve") });
  return z.looseObject({ ApproverDecisions: z.array(decision).min(approvers) });
}

function makeVerb(
  name: `${string}.${string}`,
  action: SsmAction,
  result: z.ZodType,
  { tries, timeoutSeconds }: { readonly tries: number; readonly timeoutSeconds: number },
): Verb {
  const contract = {
    name,
    version: 1,
    args: z.object({
      inputs: z.looseObject(action.inputs),
      outputs: z.array(z.json()).optional(),
      assumeRole: z.string().optional(),
      maxAttempts: z.json().optional(),
      timeoutSeconds: z.json().optional(),
    }),
    result,
    mode: action.mode ?? "sync",
    retry: { attemptsMax: tries },
    timeout: timeoutSeconds * 1000,
  };
  if (action.effect === "read") return defineVerb({ ...contract, effect: "read" });
  const recovery: Recovery = action.recovery ?? "manual";
  return defineVerb({ ...contract, effect: "write", recovery });
}
