import { defineVerb, type Verb } from "runseal";
import { z } from "zod";
import type { SourceNode } from "./source-node.js";
import { variantWords } from "./verb-names.js";

/** What a pod gives: texts, files and, of a script, what it printed. */
const RESULT = z.looseObject({
  parameters: z.looseObject({}).optional(),
  artifacts: z.looseObject({}).optional(),
  result: z.string().optional(),
  exitCode: z.string().optional(),
});

const TRIES_MAX = 1000;

/**
 * The verb of a template that does something itself.
 *
 * A container can do anything, so that it writes; and nothing says that it may be run twice, so that after a crash in the middle a
 * person looks (`manual`), also where `retryStrategy` allows another try after a failure that was seen.
 *
 * @param label - a legal label, the template's own
 */
export function argoVerb(template: SourceNode, label: string): Verb {
  const limit = template.at("retryStrategy").at("limit").integer();
  const tries = limit === undefined ? 1 : Math.min(TRIES_MAX, Math.max(0, limit) + 1);
  const seconds = template.at("activeDeadlineSeconds").integer();
  const name = `argo.${label}${variantWords(tries === 1 ? undefined : tries, undefined)}` as const;
  const contract = {
    name,
    version: 1,
    args: z.object({
      parameters: z.record(z.string(), z.json()).optional(),
      artifacts: z.record(z.string(), z.json()).optional(),
      /** The template as it stands in the document, with the arguments put in. */
      definition: z.record(z.string(), z.json()),
    }),
    result: RESULT,
    retry: { attemptsMax: tries },
    ...(seconds !== undefined && seconds >= 1 && seconds <= 2_000_000 ? { timeout: seconds * 1000 } : {}),
  };
  const suspend = template.at("suspend");
  if (suspend.value === undefined) return defineVerb({ ...contract, effect: "write", recovery: "manual" });
  // a person resumes it, or the time it names does
  return defineVerb({ ...contract, effect: "read", mode: suspend.at("duration").isPresent ? "durable" : "human_gate" });
}
