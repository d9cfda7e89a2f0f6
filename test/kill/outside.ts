import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One thing that happened outside of the process. */
export interface OutsideLine {
  readonly what: "called" | "asked" | "effect";
  readonly stepId: string;
  /** The idempotency key of the step, or the key of the fact. */
  readonly key: string;
}

/** The world beyond the process: a file that outlives it. Every line is written before the call that writes it returns. */
export class Outside {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, "outside.jsonl");
  }

  add(what: OutsideLine["what"], stepId: string, key: string): void {
    appendFileSync(this.#file, `${JSON.stringify({ what, stepId, key })}\n`);
  }

  get lines(): readonly OutsideLine[] {
    if (!existsSync(this.#file)) return [];
    const text = readFileSync(this.#file, "utf8").trim();
    return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line) as OutsideLine);
  }

  count(what: OutsideLine["what"], stepId: string): number {
    return this.lines.filter((line) => line.what === what && line.stepId === stepId).length;
  }

  has(what: OutsideLine["what"], key: string): boolean {
    return this.lines.some((line) => line.what === what && line.key === key);
  }
}
