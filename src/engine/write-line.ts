import type { EngineParts, StepLine } from "./parts.js";
import type { JsonObject } from "../json/value.js";
import type { Scope } from "../model/ids.js";
import { boundedMessage } from "./failure-of.js";
import { cleanText, cleanValue, knownIn } from "./keep-secret.js";
import { pictureOf } from "./raw-value.js";

/** Hands a line to the instance's logger, without credentials and secrets; what the logger throws changes nothing. */
export function writeLine(parts: EngineParts, scope: Scope, line: StepLine): void {
  if (parts.log === undefined) return;
  const known = knownIn(parts, scope);
  const clean = (text: string): string => cleanText(text, known);
  const picture = cleanValue(pictureOf(line.fields, clean), known);
  const fields = typeof picture === "object" && picture !== null && !Array.isArray(picture) ? (picture as JsonObject) : {};
  const { runId, stepId } = line;
  try {
    parts.log({ runId, stepId, message: boundedMessage(line.message, clean), fields });
  } catch {
    // a logger that throws must not change the run
    return;
  }
}
