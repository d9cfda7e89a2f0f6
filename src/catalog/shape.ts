import type { SchemaDescription } from "../model/schema-description.js";

/** A description in its place: what recursive parts of it refer to comes along. */
export interface Place {
  readonly description: SchemaDescription;
  /** The shapes around it, outermost first. */
  readonly enclosing: readonly SchemaDescription[];
}

/** What is known, while a macro is recorded, of a value that is not there yet. */
export type Shape =
  /** Nothing: any member may be read. */
  | { readonly kind: "unknown" }
  /** One of these; `null` and absence are left out. */
  | { readonly kind: "schema"; readonly places: readonly Place[] }
  /** An output record. */
  | { readonly kind: "record"; readonly fields: { readonly [name: string]: Shape } }
  /** A list of such, e.g. what a loop gives. */
  | { readonly kind: "list"; readonly item: Shape };

/** Any value. */
export const UNKNOWN_SHAPE: Shape = { kind: "unknown" };

/** The shape that a description says, seen from its root. */
export function shapeOf(description: SchemaDescription): Shape {
  return { kind: "schema", places: settle({ description, enclosing: [] }) };
}

/** The shape of a member; `undefined` when there is no such member in every variant. */
export function memberShape(shape: Shape, name: string): Shape | undefined {
  switch (shape.kind) {
    case "unknown":
      return UNKNOWN_SHAPE;
    case "record":
      return Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    case "list":
      return undefined;
    case "schema":
      return everyPlace(shape.places, (place) => memberPlace(place, name));
  }
}

/** The shape of the items of a list, or of the one at `index`; `undefined` when it is no list. */
export function itemShape(shape: Shape, index?: number): Shape | undefined {
  switch (shape.kind) {
    case "unknown":
      return UNKNOWN_SHAPE;
    case "record":
      return undefined;
    case "list":
      return shape.item;
    case "schema":
      return everyPlace(shape.places, (place) => itemPlaces(place, index));
  }
}

/** The part of a choice whose `discriminator` is `value`; `undefined` when there is none. */
export function variantShape(shape: Shape, discriminator: string, value: string): Shape | undefined {
  if (shape.kind !== "schema") return shape.kind === "unknown" ? UNKNOWN_SHAPE : undefined;
  const places = shape.places.filter((place) => {
    const tag = everyPlace([place], (inner) => memberPlace(inner, discriminator));
    return tag?.kind === "schema" && tag.places.some(({ description }) => hasValue(description, value));
  });
  return places.length === 0 ? undefined : { kind: "schema", places };
}

/** The values that the discriminator of a choice can have; empty where that is not known. */
export function tagsOfShape(shape: Shape, discriminator: string): readonly string[] {
  if (shape.kind !== "schema") return [];
  const tags = shape.places.flatMap((place) => memberPlace(place, discriminator) ?? []);
  const values = tags.flatMap(({ description }) =>
    description.type === "literal" || description.type === "enum" ? [...description.values] : [],
  );
  return [...new Set(values.filter((value) => typeof value === "string"))];
}

/** Member names that exist in every variant, for suggestions. */
export function memberNamesOf(shape: Shape): readonly string[] {
  if (shape.kind === "record") return Object.keys(shape.fields);
  if (shape.kind !== "schema") return [];
  const names = shape.places.flatMap(({ description }) => (description.type === "object" ? Object.keys(description.fields) : []));
  return [...new Set(names)].filter((name) => memberShape(shape, name) !== undefined);
}

/** Tells whether every variant is a string or an integer: fit to be the key of a loop, or a part of a text. */
export function isScalarShape(shape: Shape): boolean {
  if (shape.kind !== "schema") return shape.kind === "unknown";
  return shape.places.every(({ description }) => ["string", "integer", "enum", "literal"].includes(description.type));
}

/** A place with the wrappers taken off: optional, default, choice and recursion; null is dropped. */
export function settle(place: Place): readonly Place[] {
  const { description, enclosing } = place;
  switch (description.type) {
    case "optional":
    case "default":
      return settle(within(place, description.of));
    case "union":
      return description.of.flatMap((option) => settle(within(place, option)));
    case "recursive": {
      const target = enclosing[description.depth];
      return target === undefined ? [] : settle({ description: target, enclosing: enclosing.slice(0, description.depth) });
    }
    case "null":
      return [];
    default:
      return [place];
  }
}

/** A part of a place's description, in its place. */
export function within(place: Place, part: SchemaDescription): Place {
  return { description: part, enclosing: [...place.enclosing, place.description] };
}

function memberPlace(place: Place, name: string): readonly Place[] | undefined {
  const { description } = place;
  if (description.type === "json") return [place];
  if (description.type === "record") return settle(within(place, description.value));
  if (description.type !== "object") return undefined;
  const field = Object.hasOwn(description.fields, name) ? description.fields[name] : undefined;
  if (field !== undefined) return settle(within(place, field));
  return description.unknown === "keep" ? [{ description: { type: "json" }, enclosing: [] }] : undefined;
}

function itemPlaces(place: Place, index: number | undefined): readonly Place[] | undefined {
  const { description } = place;
  if (description.type === "json") return [place];
  if (description.type === "array") return settle(within(place, description.item));
  if (description.type !== "tuple") return undefined;
  const rest = description.rest === undefined ? [] : [description.rest];
  const one = index === undefined ? undefined : (description.items[index] ?? description.rest);
  if (index !== undefined) return one === undefined ? undefined : settle(within(place, one));
  return [...description.items, ...rest].flatMap((item) => settle(within(place, item)));
}

function everyPlace(places: readonly Place[], step: (place: Place) => readonly Place[] | undefined): Shape | undefined {
  const next: Place[] = [];
  for (const place of places) {
    const found = step(place);
    if (found === undefined) return undefined;
    next.push(...found);
  }
  return places.length === 0 ? undefined : { kind: "schema", places: next };
}

function hasValue(description: SchemaDescription, value: string): boolean {
  return (description.type === "literal" || description.type === "enum") && description.values.includes(value);
}
