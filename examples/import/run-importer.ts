import { isRunsealError, type JsonValue, type Macro, type Verb } from "runseal";
import { Findings } from "./findings.js";
import type { Imported, ImportedStep, ImportFormat } from "./imported.js";
import { isRecord, SourceNode } from "./source-node.js";

/** Most text of a document that is looked at, in UTF-16 code units. */
export const TEXT_MAX = 16 * 1024 * 1024;

/** What an importer made of a document that it could convert. */
export interface Conversion {
  /** The document's own name. */
  readonly name: string;
  readonly root: Macro;
  readonly macros: readonly Macro[];
  readonly verbs: readonly Verb[];
  readonly steps: readonly ImportedStep[];
}

/**
 * Runs an importer over a parsed document and makes its report: a conversion, or refusals and nothing else.
 *
 * The document is copied as plain JSON first, so that getters, Proxies and circles end here, as refusals.
 */
export function importObject(
  format: ImportFormat,
  document: unknown,
  convert: (root: SourceNode, findings: Findings) => Conversion | undefined,
): Imported {
  return runImporter(format, (findings) => {
    const copy = plainCopy(document, findings);
    if (copy === undefined) return undefined;
    if (!isRecord(copy)) return findings.refuse("import.wrong_type", "", "the document is not an object");
    return convert(new SourceNode(copy, "", findings), findings);
  });
}

/** Runs an importer of a format that is text, and makes its report. */
export function importText(
  format: ImportFormat,
  text: unknown,
  convert: (text: string, findings: Findings) => Conversion | undefined,
): Imported {
  return runImporter(format, (findings) => {
    if (typeof text !== "string") return findings.refuse("import.wrong_type", "", "the document is not a text");
    if (text.length > TEXT_MAX) return findings.refuse("import.too_large", "", `the text is longer than ${TEXT_MAX}`);
    return convert(text, findings);
  });
}

function runImporter(format: ImportFormat, convert: (findings: Findings) => Conversion | undefined): Imported {
  const findings = new Findings();
  const conversion = catalogRefusalsCaught(findings, convert);
  if (conversion === undefined || findings.isRefused()) {
    if (!findings.isRefused()) findings.refuse("import.unknown_construct", "", "nothing in the document can be run");
    return { verbs: [], macros: [], report: { ...reportOf(format, findings), name: "", root: null, steps: [] } };
  }
  const { name, root, macros, verbs, steps } = conversion;
  return { verbs, macros, report: { ...reportOf(format, findings), name, root: root.name, steps } };
}

function reportOf(
  format: ImportFormat,
  { refusals, notes, bindings }: Findings,
): Omit<Imported["report"], "name" | "root" | "steps"> {
  return { format, refusals, notes, bindings };
}

/** What the authoring functions refuse is a refusal of the document: it says something that no contract or macro can hold. */
function catalogRefusalsCaught(
  findings: Findings,
  convert: (findings: Findings) => Conversion | undefined,
): Conversion | undefined {
  try {
    return convert(findings);
  } catch (error) {
    if (!isRunsealError(error)) throw error;
    return findings.refuse("import.not_expressible", "", `${error.code}: ${error.message}`);
  }
}

function plainCopy(document: unknown, findings: Findings): JsonValue | undefined {
  try {
    const text: unknown = JSON.stringify(document);
    if (typeof text !== "string") return findings.refuse("import.wrong_type", "", "the document is not an object");
    if (text.length > TEXT_MAX) return findings.refuse("import.too_large", "", `the document is longer than ${TEXT_MAX}`);
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "something that is no error was thrown";
    return findings.refuse("import.not_parsable", "", `the document can't be read as plain data: ${reason.slice(0, 200)}`);
  }
}
