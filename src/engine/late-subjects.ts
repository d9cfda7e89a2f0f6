import type { EntityRef } from "../model/write-set.js";
import type { JsonValue } from "../json/value.js";
import type { SchemaDescription } from "../model/schema-description.js";

/**
 * The entities that arguments name as written, read down the contract's description: each once, in order of appearance.
 *
 * Where a union leaves open which variant is meant, the subjects of every variant that fits the place count.
 */
export function writtenEntities(description: SchemaDescription, args: JsonValue): readonly EntityRef[] {
  const found = new Map<string, EntityRef>();
  visit(description, args, [], (entity) => found.set(`${entity.kind}\n${entity.id}`, entity));
  return [...found.values()];
}

function visit(
  description: SchemaDescription,
  value: JsonValue | undefined,
  shapes: readonly SchemaDescription[],
  add: (entity: EntityRef) => void,
): void {
  if (value === undefined || value === null) return;
  switch (description.type) {
    case "string":
      if (typeof value === "string" && description.subject?.access === "write")
        add({ kind: description.subject.kind, id: value });
      return;
    case "optional":
    case "default": {
      visit(description.of, value, shapes, add);
      return;
    }
    case "union":
      for (const option of description.of) visit(option, value, shapes, add);
      return;
    case "recursive": {
      const shape = shapes[description.depth];
      if (shape !== undefined) visit(shape, value, shapes.slice(0, description.depth), add);
      return;
    }
    case "array":
      if (Array.isArray(value)) for (const item of value as readonly JsonValue[]) visit(description.item, item, shapes, add);
      return;
    case "tuple":
      if (Array.isArray(value)) visitTuple(description, value, shapes, add);
      return;
    case "object":
    case "record":
      if (typeof value === "object" && !Array.isArray(value)) visitMembers(description, value as Members, shapes, add);
      return;
    default:
  }
}

interface Members {
  readonly [name: string]: JsonValue;
}

function visitTuple(
  description: Extract<SchemaDescription, { type: "tuple" }>,
  items: readonly JsonValue[],
  shapes: readonly SchemaDescription[],
  add: (entity: EntityRef) => void,
): void {
  for (const [index, item] of items.entries()) {
    const shape = description.items[index] ?? description.rest;
    if (shape !== undefined) visit(shape, item, shapes, add);
  }
}

function visitMembers(
  description: Extract<SchemaDescription, { type: "object" | "record" }>,
  members: Members,
  shapes: readonly SchemaDescription[],
  add: (entity: EntityRef) => void,
): void {
  const inner = description.type === "object" ? [...shapes, description] : shapes;
  for (const [name, member] of Object.entries(members)) {
    if (description.type === "record") {
      visit(description.key, name, inner, add);
      visit(description.value, member, inner, add);
    } else if (Object.hasOwn(description.fields, name)) {
      const field = description.fields[name];
      if (field !== undefined) visit(field, member, inner, add);
    }
  }
}
