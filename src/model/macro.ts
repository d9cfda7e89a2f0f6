import type { SchemaDescription } from "./schema-description.js";
import type { Tree } from "./expression.js";
import type { Mode } from "./verb.js";
import type { Digest } from "./ids.js";

/** When the answer of a lookup is asked for again: as the run is admitted, each time it is resumed, or never. */
export type Recheck = "at_admission" | "on_resume" | "never";

/** One statement of a macro body. Labels are unique among the statements of one block; see decision 1.5. */
export type BodyItem =
  | {
      readonly kind: "step";
      readonly label: string;
      /** Name of the verb; the newest version that is not retired is taken when compiling. */
      readonly verb: string;
      readonly args: Tree;
      /** Paths of labels of steps, invocations or loops of this body that come first. */
      readonly after: readonly string[];
      /** Decided by the engine when late. */
      readonly when?: Tree;
      /** Overrides the verb's mode. */
      readonly mode?: Mode;
      /** Paths of labels whose skipped results this step accepts as `null`; `"all"` for every one. */
      readonly optional?: readonly string[] | "all";
      readonly sentence?: string;
    }
  | {
      readonly kind: "invoke";
      readonly label: string;
      readonly macro: string;
      readonly args: Tree;
      readonly after: readonly string[];
    }
  | { readonly kind: "lookup"; readonly label: string; readonly verb: string; readonly args: Tree; readonly recheck: Recheck }
  | {
      readonly kind: "require";
      readonly label: string;
      readonly verb: string;
      readonly args: Tree;
      /** What the answer must hold: objects are compared member by member as far as named, everything else exactly. */
      readonly expected: Tree;
      readonly recheck: Recheck;
    }
  | {
      readonly kind: "for_each";
      readonly label: string;
      readonly list: Tree;
      /** `item` = the item itself, `index` = its position, else an expression over the item. */
      readonly key: { readonly by: "item" } | { readonly by: "index" } | { readonly by: "expression"; readonly tree: Tree };
      readonly body: readonly BodyItem[];
      readonly yields: Tree;
    }
  | {
      readonly kind: "when";
      readonly condition: Tree;
      readonly then: readonly BodyItem[];
      readonly otherwise: readonly BodyItem[];
    };

/** A macro as data: what expansion reads. No code of the author's runs after definition. */
export interface MacroDefinition {
  readonly name: string;
  readonly version: number;
  readonly params: SchemaDescription;
  readonly body: readonly BodyItem[];
  readonly output: Tree;
  /** What `bind(name)` expects of the caller of compile, by name; absent when the body binds nothing. */
  readonly bindings?: { readonly [name: string]: SchemaDescription };
  readonly title?: string;
  /** Covers name, version, params, body, output and bindings; not titles and sentences. */
  readonly digest: Digest;
}
