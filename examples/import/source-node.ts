import type { JsonValue } from "runseal";
import type { Findings } from "./findings.js";
import { below } from "./pointer.js";

/** An object of a document. */
export interface JsonRecord {
  readonly [member: string]: JsonValue;
}

/** Tells whether a value is an object of a document. */
export function isRecord(value: JsonValue | undefined): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Tells whether a value is a list of a document. */
export function isJsonList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A value of a document and its place; its readers refuse what has another type, and give `undefined` for what is absent. */
export class SourceNode {
  readonly value: JsonValue | undefined;
  readonly pointer: string;
  readonly #findings: Findings;

  constructor(value: JsonValue | undefined, pointer: string, findings: Findings) {
    this.value = value;
    this.pointer = pointer;
    this.#findings = findings;
  }

  /** The member of an object; absent where this is no object or has no such member of its own. `null` counts as absent. */
  at(member: string): SourceNode {
    const value = isRecord(this.value) && Object.hasOwn(this.value, member) ? this.value[member] : undefined;
    return new SourceNode(value ?? undefined, below(this.pointer, member), this.#findings);
  }

  get isPresent(): boolean {
    return this.value !== undefined;
  }

  /** The text, also of a number or boolean, as YAML writers mean it. */
  text(): string | undefined {
    if (this.value === undefined) return undefined;
    if (typeof this.value === "string") return this.value;
    if (typeof this.value === "number" || typeof this.value === "boolean") return String(this.value);
    return this.#wrong("a text");
  }

  /** The text, refused where it is absent or empty. */
  requiredText(): string | undefined {
    const text = this.value === undefined ? undefined : this.text();
    if (this.value === undefined || text === "") return this.missing();
    return text;
  }

  /** The boolean, also written as a text. */
  flag(): boolean | undefined {
    if (this.value === undefined || typeof this.value === "boolean") return this.value;
    if (this.value === "true" || this.value === "True") return true;
    if (this.value === "false" || this.value === "False") return false;
    return this.#wrong("true or false");
  }

  /** The integer, also written as a text. */
  integer(): number | undefined {
    if (this.value === undefined) return undefined;
    const number = typeof this.value === "string" && /^-?\d{1,15}$/.test(this.value) ? Number(this.value) : this.value;
    return typeof number === "number" && Number.isSafeInteger(number) ? number : this.#wrong("an integer");
  }

  /** The items of a list; empty where it is absent. */
  items(): readonly SourceNode[] {
    if (this.value === undefined) return [];
    if (!isJsonList(this.value)) {
      this.#wrong("a list");
      return [];
    }
    return this.value.map((item, index) => new SourceNode(item, below(this.pointer, index), this.#findings));
  }

  /** The members of an object; empty where it is absent. */
  members(): readonly (readonly [name: string, node: SourceNode])[] {
    if (this.value === undefined) return [];
    if (!isRecord(this.value)) {
      this.#wrong("an object");
      return [];
    }
    return Object.entries(this.value).map(([name, member]) => [
      name,
      new SourceNode(member, below(this.pointer, name), this.#findings),
    ]);
  }

  /** Refuses a value that is no object. */
  isObject(): boolean {
    if (isRecord(this.value)) return true;
    if (this.value === undefined) this.missing();
    else this.#wrong("an object");
    return false;
  }

  /** Refuses every member that is not named: a construct that would be lost is one that has to be refused. */
  refuseOthers(known: ReadonlySet<string>, what: string): void {
    if (!isRecord(this.value)) return;
    for (const name of Object.keys(this.value)) {
      if (known.has(name) || this.value[name] === null) continue;
      const message = `"${name}" of ${what} has no meaning in a plan, or is not known to this importer`;
      this.#findings.refuse("import.unknown_construct", below(this.pointer, name), message);
    }
  }

  /** Refuses the absence of this value. */
  missing<T>(): T | undefined {
    return this.#findings.refuse("import.missing_member", this.pointer, "is missing or empty");
  }

  #wrong<T>(wanted: string): T | undefined {
    return this.#findings.refuse("import.wrong_type", this.pointer, `is ${kindOf(this.value)}, not ${wanted}`);
  }
}

function kindOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "nothing";
  if (isJsonList(value)) return "a list";
  return typeof value === "object" ? "an object" : `the ${typeof value} ${JSON.stringify(value).slice(0, 40)}`;
}
