import { parseAllDocuments } from "yaml";
import { importArgoWorkflow } from "./argo-workflow.js";
import { importDagman } from "./dagman.js";
import type { Imported, ImportFormat, RefusalCode } from "./imported.js";
import { importKestraFlow } from "./kestra-flow.js";
import { importPegasusDax } from "./pegasus-dax.js";
import { importPegasusWorkflow } from "./pegasus-workflow.js";
import { TEXT_MAX } from "./run-importer.js";
import { importSsmAutomation } from "./ssm-automation.js";

/** A text after it was read: the format, and the parsed document of those that are objects. */
type Detected =
  | { readonly format: Exclude<ImportFormat, "unknown">; readonly document: unknown }
  | { readonly format: "unknown"; readonly code: RefusalCode; readonly message: string };

/**
 * Tells the format of a document from its content; the file's name only helps where the content can't be parsed.
 *
 * @returns `unknown` for everything that no importer reads
 */
export function detectFormat(text: string, fileName: string): ImportFormat {
  return detect(text, fileName).format;
}

/** Converts a document of any known format, told apart by {@link detectFormat}. Never throws for a bad document. */
export function importDocument(text: string, fileName: string): Imported {
  const detected = detect(text, fileName);
  switch (detected.format) {
    case "ssm-automation":
      return importSsmAutomation(detected.document);
    case "argo-workflow":
      return importArgoWorkflow(detected.document);
    case "kestra-flow":
      return importKestraFlow(detected.document);
    case "pegasus-workflow":
      return importPegasusWorkflow(detected.document);
    case "pegasus-dax":
      return importPegasusDax(text);
    case "dagman":
      return importDagman(text);
    case "unknown":
      return refused(detected.code, detected.message);
  }
}

function refused(code: RefusalCode, message: string): Imported {
  const refusals = [{ code, pointer: "", message }];
  return {
    verbs: [],
    macros: [],
    report: { format: "unknown", name: "", root: null, refusals, notes: [], steps: [], bindings: [] },
  };
}

function detect(text: string, fileName: string): Detected {
  if (text.length > TEXT_MAX) {
    return { format: "unknown", code: "import.too_large", message: `the text is longer than ${TEXT_MAX}` };
  }
  if (/^\uFEFF?\s*</.test(text)) return { format: "pegasus-dax", document: text };
  if (isDagman(text, fileName)) return { format: "dagman", document: text };
  const parsed = parse(text);
  if ("code" in parsed) return { format: "unknown", ...parsed };
  const format = formatOf(parsed.document);
  if (format !== undefined) return { format, document: parsed.document };
  return { format: "unknown", code: "import.unknown_format", message: `"${fileName}" is of no format that is read here` };
}

const DAGMAN_COMMAND =
  /^(?:JOB|NODE|SUBDAG|SPLICE|PARENT|MAXJOBS|CONFIG|DOT|INCLUDE|NODE_STATUS_FILE|JOBSTATE_LOG|REJECT)[ \t]+\S/i;

/** A file of this format by name, or one whose first line that is no comment begins with one of its commands. */
function isDagman(text: string, fileName: string): boolean {
  const lines = text.slice(0, 10_000).split("\n");
  const first = lines.map((line) => line.trim()).find((line) => line !== "" && !line.startsWith("#"));
  return /\.dag$/i.test(fileName) || DAGMAN_COMMAND.test(first ?? "");
}

function formatOf(document: unknown): Exclude<ImportFormat, "unknown"> | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  const has = (member: string): boolean => Object.hasOwn(document, member);
  if (has("schemaVersion") || has("mainSteps")) return "ssm-automation";
  if (has("apiVersion") && has("kind") && has("spec")) return "argo-workflow";
  if (has("pegasus")) return "pegasus-workflow";
  if (has("namespace") && has("tasks")) return "kestra-flow";
  return undefined;
}

/** JSON is YAML too, but its own parser is faster and keeps every name as it is. */
function parse(text: string): { readonly document: unknown } | { readonly code: RefusalCode; readonly message: string } {
  try {
    return { document: JSON.parse(text) as unknown };
  } catch {
    return parseYaml(text);
  }
}

function parseYaml(text: string): { readonly document: unknown } | { readonly code: RefusalCode; readonly message: string } {
  try {
    const documents = [...parseAllDocuments(text, { logLevel: "silent" })].filter((document) => document.contents !== null);
    const [document] = documents;
    if (document === undefined) return { code: "import.not_parsable", message: "the text is empty" };
    if (documents.length > 1) {
      return {
        code: "import.several_documents",
        message: `the text holds ${documents.length} documents; import them one by one`,
      };
    }
    const [error] = document.errors;
    if (error !== undefined) return { code: "import.not_parsable", message: error.message.split("\n", 1)[0] ?? "" };
    return { document: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch (error) {
    const reason = error instanceof Error ? error.message : "something that is no error was thrown";
    return { code: "import.not_parsable", message: `the text is neither JSON nor YAML: ${reason.slice(0, 200)}` };
  }
}
