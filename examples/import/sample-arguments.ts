import type { JsonValue, Macro, SchemaDescription } from "runseal";

/** Texts that patterns of the field often ask for; the first that fits is taken. */
const TEXTS = [
  "sample",
  "sample-1",
  "1",
  "60",
  "true",
  "i-0123456789abcdef0",
  "vol-0123456789abcdef0",
  "subnet-0123456789abcdef0",
  "sg-0123456789abcdef0",
  "ami-0123456789abcdef0",
  "arn:aws:iam::123456789012:role/sample",
  "arn:aws:sns:eu-central-1:123456789012:sample",
  "https://sqs.eu-central-1.amazonaws.com/123456789012/sample",
  "10.0.0.0/16",
  "2026-01-01T00:00:00Z",
] as const;

/**
 * Arguments for what a macro needs and has no default for: enough to compile and rehearse an imported document.
 *
 * A pattern that none of a few texts fits is left to the compiler, which then asks for the field by name.
 */
export function sampleArguments(macro: Macro): { readonly [name: string]: JsonValue } {
  const { params } = macro.definition;
  if (params.type !== "object") return {};
  return Object.fromEntries(
    params.required.map((name) => [name, sampleValue(params.fields[name] ?? { type: "null" }, `${name}-1`)]),
  );
}

/** A value that fits a description, as far as a few texts can; `name` is what a text without a pattern says. */
export function sampleValue(description: SchemaDescription, name: string): JsonValue {
  switch (description.type) {
    case "string":
      return textFor(description, name);
    case "integer":
      return Math.max(description.min ?? 1, Math.min(1, description.max ?? 1));
    case "boolean":
      return true;
    case "enum":
      return description.values[0] ?? "";
    case "literal":
      return description.values[0] ?? null;
    case "array":
      return Array.from({ length: Math.max(1, description.min ?? 1) }, (_, index) =>
        sampleValue(description.item, `${name}-${index + 1}`),
      );
    case "object":
      return Object.fromEntries(
        description.required.map((member) => [member, sampleValue(description.fields[member] ?? { type: "null" }, member)]),
      );
    case "record":
      return {};
    case "json":
      return name;
    case "optional":
      return sampleValue(description.of, name);
    case "default":
      return description.value;
    case "union": {
      const [first] = description.of;
      return first === undefined ? null : sampleValue(first, name);
    }
    default:
      return null;
  }
}

function textFor(
  { pattern, flags, min = 0, max = Infinity }: Extract<SchemaDescription, { type: "string" }>,
  name: string,
): string {
  const fits = (text: string): boolean =>
    text.length >= min && text.length <= max && (pattern === undefined || new RegExp(pattern, flags).test(text));
  return [name, ...TEXTS].find(fits) ?? name.padEnd(min, "x").slice(0, max);
}
