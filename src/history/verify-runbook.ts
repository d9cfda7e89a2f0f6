import type { RunProblem } from "./run-problem.js";
import type { Runbook } from "../model/runbook.js";
import { documentDigestOf, runbookIdOf } from "../model/runbook-digest.js";

/** Holds a runbook against its id and its document against its digest. */
export function runbookProblems(runbook: Pick<Runbook, "id" | "documentDigest" | "content" | "document">): readonly RunProblem[] {
  const { id, documentDigest, content, document } = runbook;
  const foundId = runbookIdOf(content);
  const foundDigest = documentDigestOf(id, document);
  const problems: RunProblem[] = [];
  if (foundId !== id) {
    problems.push({ seq: null, rule: "runbook_digest", message: `the content of "${id}" has the id "${foundId}"` });
  }
  if (foundDigest !== documentDigest) {
    const message = `the document of "${id}" has the digest "${foundDigest}", not "${documentDigest}"`;
    problems.push({ seq: null, rule: "document_digest", message });
  }
  return problems;
}
