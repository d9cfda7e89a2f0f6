import type { Macro, Verb } from "runseal";

/** The formats that are read, by the name that reports use. */
export type ImportFormat =
  "ssm-automation" | "argo-workflow" | "kestra-flow" | "pegasus-dax" | "pegasus-workflow" | "dagman" | "unknown";

/** What kind of thing stopped a conversion. */
export type RefusalCode =
  /** More text or more parts than an importer looks at. */
  | "import.too_large"
  | "import.not_parsable"
  | "import.unknown_format"
  | "import.several_documents"
  | "import.wrong_type"
  | "import.missing_member"
  | "import.duplicate_name"
  /** A step, template, parameter or output that the document does not have, or that comes later. */
  | "import.unknown_reference"
  /** The steps wait for each other in a circle. */
  | "import.cycle"
  /** A step that runs an unknown number of times. */
  | "import.loop"
  /** What comes next is decided while running, in a way that a condition on a step can't say. */
  | "import.run_time_choice"
  /** Another workflow that is not part of the document. */
  | "import.sub_workflow"
  /** A formula in the source's own expression language. */
  | "import.expression"
  /** A part of the format that has no meaning in a plan, or that this importer does not know. */
  | "import.unknown_construct"
  /** What was made of the document is refused by the catalog; the message names its code. */
  | "import.not_expressible";

/** One construct that can't be said in a plan, or one fault of the document. */
export interface Refusal {
  readonly code: RefusalCode;
  /** JSON Pointer into the document; `line:<n>` for formats made of lines; `xml:<path>` for XML. */
  readonly pointer: string;
  /** What was found, and why it is refused. */
  readonly message: string;
}

/** Something that was said in another way, or left to the handlers, and that a reader should know. */
export interface ImportNote {
  readonly pointer: string;
  readonly message: string;
}

/** A value that the source's own engine supplies, and that the caller of compile binds instead. */
export interface ImportBinding {
  /** The name to bind. */
  readonly name: string;
  /** What the document calls it. */
  readonly source: string;
}

/** One step of the document and where it went. */
export interface ImportedStep {
  /** Its name in the document. */
  readonly name: string;
  readonly pointer: string;
  /** The macro that holds it, and its label there. */
  readonly macro: string;
  readonly label: string;
}

/** What became of a document. */
export interface ImportReport {
  readonly format: ImportFormat;
  /** The document's own name; empty where it has none. */
  readonly name: string;
  /** Name of the macro to run; `null` when the document was refused. */
  readonly root: string | null;
  /** Empty exactly when the document was converted. */
  readonly refusals: readonly Refusal[];
  readonly notes: readonly ImportNote[];
  readonly steps: readonly ImportedStep[];
  readonly bindings: readonly ImportBinding[];
}

/** What every importer gives: a catalog's worth of verbs and macros, all of it or nothing, and the report. */
export interface Imported {
  readonly verbs: readonly Verb[];
  readonly macros: readonly Macro[];
  readonly report: ImportReport;
}
