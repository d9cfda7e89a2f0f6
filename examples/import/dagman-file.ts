import { dagmanLines, macroPairs, type DagmanLine } from "./dagman-lines.js";
import type { Findings } from "./findings.js";
import type { RefusalCode } from "./imported.js";
import type { GraphNode } from "./source-graph.js";

/** A node of a DAGMan file. */
export interface DagmanJob extends GraphNode {
  readonly submit: string;
  readonly directory: string | undefined;
  readonly isNoop: boolean;
  readonly after: { readonly name: string; readonly pointer: string }[];
  readonly vars: Map<string, string>;
  /** `PRE command ...` and `POST command ...`. */
  readonly scripts: string[];
  tries: number;
  unlessExit: number | undefined;
  priority: number | undefined;
  category: string | undefined;
}

/** Commands that are about DAGMan's own process. */
const NOTED = new Set(["MAXJOBS", "CONFIG", "DOT", "NODE_STATUS_FILE", "JOBSTATE_LOG", "SAVE_POINT_FILE", "ENV", "SET_JOB_ATTR"]);

/** Commands that a plan can't say. */
const REFUSED: ReadonlyMap<string, readonly [RefusalCode, string]> = new Map([
  ["SUBDAG", ["import.sub_workflow", "runs the graph of another file"]],
  ["SPLICE", ["import.sub_workflow", "puts in the graph of another file"]],
  ["INCLUDE", ["import.sub_workflow", "reads commands from another file"]],
  ["FINAL", ["import.run_time_choice", "runs a node at the end, however the others went"]],
  ["PROVISIONER", ["import.run_time_choice", "runs beside the other nodes"]],
  ["SERVICE", ["import.run_time_choice", "runs beside the other nodes"]],
  ["ABORT-DAG-ON", ["import.run_time_choice", "ends the graph by the exit code of a node"]],
  ["PRE_SKIP", ["import.run_time_choice", "skips a node by the exit code of its script"]],
  ["DONE", ["import.run_time_choice", "says that a node has run already; convert the graph and resume its run instead"]],
  ["REJECT", ["import.unknown_construct", "marks a graph that is not to be run"]],
]);

/** Reads the commands of a file; what can't be said is refused in the findings. */
export class DagmanFile {
  readonly #jobs = new Map<string, DagmanJob>();
  readonly #findings: Findings;

  constructor(text: string, findings: Findings) {
    this.#findings = findings;
    const lines = dagmanLines(text);
    // edges and settings may stand before the node that they speak of
    for (const line of lines) if (line.command === "JOB" || line.command === "NODE") this.#job(line);
    for (const line of lines) if (line.command !== "JOB" && line.command !== "NODE") this.#command(line);
  }

  get jobs(): readonly DagmanJob[] {
    return [...this.#jobs.values()];
  }

  #job({ words, pointer }: DagmanLine): void {
    const [name, submit, ...options] = words;
    if (name === undefined || submit === undefined) {
      this.#findings.refuse("import.missing_member", pointer, "JOB needs a name and a submit description");
      return;
    }
    if (submit.startsWith("{") || submit.startsWith("@")) {
      this.#findings.refuse("import.unknown_construct", pointer, "a submit description inside of the file is not read");
      return;
    }
    if (this.#jobs.has(name)) {
      this.#findings.refuse("import.duplicate_name", pointer, `the name "${name}" stands twice`);
      return;
    }
    const upper = options.map((option) => option.toUpperCase());
    const at = upper.indexOf("DIR");
    const others = upper.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
    const stray = others.find((option) => option !== "NOOP");
    if (stray !== undefined) {
      const [code, why] = REFUSED.get(stray) ?? (["import.unknown_construct", "is no option of JOB that is known here"] as const);
      this.#findings.refuse(code, pointer, `${stray} ${why}`);
    }
    this.#jobs.set(name, {
      name,
      pointer,
      submit,
      directory: at < 0 ? undefined : options[at + 1],
      isNoop: others.includes("NOOP"),
      after: [],
      vars: new Map(),
      scripts: [],
      tries: 1,
      unlessExit: undefined,
      priority: undefined,
      category: undefined,
    });
  }

  #command(line: DagmanLine): void {
    const { command, words, rest, pointer } = line;
    const refused = REFUSED.get(command);
    if (refused !== undefined) {
      this.#findings.refuse(refused[0], pointer, `${command} ${refused[1]}`);
      return;
    }
    if (NOTED.has(command)) {
      this.#findings.note(pointer, `${command} is about the process that runs the graph and is left out`);
      return;
    }
    const [name = "", value = "", ...more] = words;
    switch (command) {
      case "PARENT":
        this.#edges(words, pointer);
        break;
      case "VARS":
        this.#vars(name, rest.slice(name.length), pointer);
        break;
      case "SCRIPT":
        this.#script(words, rest, pointer);
        break;
      case "RETRY":
        this.#each(name, pointer, (job) => {
          job.tries = Math.min(1000, (this.#integer(value, pointer) ?? 0) + 1);
          if (more[0]?.toUpperCase() === "UNLESS-EXIT") job.unlessExit = this.#integer(more[1] ?? "", pointer);
        });
        break;
      case "PRIORITY":
        this.#each(name, pointer, (job) => (job.priority = this.#integer(value, pointer)));
        break;
      case "CATEGORY":
        this.#each(name, pointer, (job) => (job.category = value));
        break;
      default:
        this.#findings.refuse("import.unknown_construct", pointer, `"${command.slice(0, 40)}" is no command that is known here`);
    }
  }

  #edges(words: readonly string[], pointer: string): void {
    const at = words.findIndex((word) => word.toUpperCase() === "CHILD");
    const [parents, children] = [words.slice(0, Math.max(0, at)), words.slice(at + 1)];
    if (at < 1 || children.length === 0) {
      this.#findings.refuse("import.missing_member", pointer, "PARENT needs names, CHILD, and names");
      return;
    }
    for (const child of children) {
      this.#each(child, pointer, (job) => {
        for (const name of parents) job.after.push({ name, pointer });
      });
    }
  }

  #vars(name: string, text: string, pointer: string): void {
    const pairs = macroPairs(text.replace(/^\s*(?:PREPEND|APPEND)\b/i, ""));
    if (pairs === undefined) {
      this.#findings.refuse("import.not_parsable", pointer, 'VARS needs name="value" pairs');
      return;
    }
    this.#each(name, pointer, (job) => {
      for (const [key, value] of pairs) job.vars.set(key, value);
    });
  }

  /** `SCRIPT [DEFER status time] PRE|POST|HOLD node command ...` */
  #script(words: readonly string[], rest: string, pointer: string): void {
    const at = words.findIndex((word) => /^(?:PRE|POST|HOLD)$/i.test(word));
    const [when = "", name] = words.slice(at);
    if (at < 0 || name === undefined) {
      this.#findings.refuse("import.missing_member", pointer, "SCRIPT needs PRE or POST, a node and a command");
      return;
    }
    const command = rest
      .split(/\s+/)
      .slice(at + 2)
      .join(" ");
    this.#each(name, pointer, (job) => job.scripts.push(`${when.toUpperCase()} ${command}`));
  }

  #each(name: string, pointer: string, change: (job: DagmanJob) => void): void {
    if (name.toUpperCase() === "ALL_NODES") {
      for (const job of this.#jobs.values()) change(job);
      return;
    }
    const job = this.#jobs.get(name);
    if (job === undefined) this.#findings.refuse("import.unknown_reference", pointer, `"${name}" is no node here`);
    else change(job);
  }

  #integer(text: string, pointer: string): number | undefined {
    if (/^-?\d{1,9}$/.test(text)) return Number(text);
    return this.#findings.refuse("import.wrong_type", pointer, `"${text}" is no integer`);
  }
}
