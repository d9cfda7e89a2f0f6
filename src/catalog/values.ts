import { canonicalize } from "../json/canonical.js";
import type { Body } from "./body.js";
import { describeSchema } from "./describe-schema.js";
import { isLabel } from "./name.js";
import type { Recording } from "./recording.js";
import { shapeOf } from "./shape.js";
import { isEntityKind } from "./subject.js";
import { symbolic } from "./symbolic.js";

const ID = shapeOf({ type: "string" });

/** The words of a body that bring values of their own: new ids, and what the caller of compile binds. */
export function valuesOf(recording: Recording): Pick<Body<unknown>, "allocate" | "bind"> {
  return {
    allocate: recording.word((kind) => {
      if (!isEntityKind(kind)) recording.invalid("body", `allocates ${JSON.stringify(String(kind))}, which is no kind of entity`);
      return symbolic({
        tree: { $: "allocate", kind, ordinal: recording.nextOrdinal(), loop: recording.block.path.join("/") },
        phase: "sealed",
        shape: ID,
        owner: recording,
        block: recording.block,
      });
    }),
    bind: recording.word((name, schema) => {
      if (!isLabel(name)) recording.invalid("body", `binds ${JSON.stringify(String(name))}, which is not [a-z][a-z0-9_]{0,62}`);
      const description = describeSchema(schema);
      const known = recording.bindings.get(name);
      if (known !== undefined && canonicalize(known) !== canonicalize(description)) {
        recording.invalid("body", `binds "${name}" with two different schemas`);
      }
      recording.bindings.set(name, description);
      return symbolic({
        tree: { $: "bind", name, path: [] },
        phase: "sealed",
        shape: shapeOf(description),
        owner: recording,
        block: recording.root,
      });
    }),
  };
}
