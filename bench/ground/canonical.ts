import { createHash, hash } from "node:crypto";
import reference from "canonicalize";
import { canonicalizeJcs } from "../../src/json/canonical-jcs.js";
import { canonicalText, canonicalize } from "../../src/json/canonical.js";
import { copyCanonical } from "../../src/json/copy.js";
import { sha256Hex } from "../../src/json/digest.js";
import { chooseHash } from "../../src/json/hash.js";
import { planDocuments, skewedDocuments, sortedCopy } from "./documents.js";
import { compare, conditions, table } from "./rounds.js";
import type { JsonValue } from "../../src/json/value.js";
import type { Contender, Measured } from "./rounds.js";

const documents = [...planDocuments()].flatMap(([size, value]): [string, JsonValue][] => [
  [size, copyOf(value)],
  [`${size}, names sorted`, sortedCopy(value)],
]);

console.log(conditions(["canonicalize", "@noble/hashes"]));

console.log("\nText alone, in microseconds; in brackets times the speed of `canonicalize`.\n");
const textHead = [
  "document",
  "bytes",
  "canonicalize (package)",
  "JSON.stringify",
  "canonicalizeJcs",
  "canonicalText",
  "canonicalize",
  "copyCanonical",
];
console.log(
  table(
    textHead,
    documents.map(([name, value]) => textRow(name, value)),
  ),
);

console.log("\nDocuments of one thing, in microseconds; in brackets times the speed of `canonicalize`.\n");
console.log(
  table(
    ["document", "bytes", "canonicalize (package)", "JSON.stringify", "canonicalizeJcs"],
    [...skewedDocuments()].map(([name, value]) => skewedRow(name, value)),
  ),
);

console.log(
  "\nText and SHA-256, in microseconds; in brackets times the time of `JSON.stringify` + SHA-256 (same hash for all).\n",
);
const digestHead = [
  "document",
  "bytes",
  "JSON.stringify",
  "canonicalizeJcs",
  "canonicalText",
  "canonicalize",
  "canonicalize (package)",
];
console.log(
  table(
    digestHead,
    documents.map(([name, value]) => digestRow(name, value)),
  ),
);

console.log("\nSHA-256 of canonical text, in microseconds.\n");
console.log(
  table(
    ["document", "crypto.hash", "createHash", "@noble/hashes"],
    [...planDocuments()].map(([name, value]) => hashRow(name, value)),
  ),
);

function textRow(name: string, value: JsonValue): string[] {
  const measured = compare([
    { name: "package", run: () => reference(value) },
    { name: "stringify", run: () => JSON.stringify(value) },
    { name: "jcs", run: () => canonicalizeJcs(value) },
    { name: "text", run: () => canonicalText(value) },
    { name: "hostile", run: () => canonicalize(value) },
    { name: "copy", run: () => copyCanonical(value) },
  ]);
  return [name, bytesOf(value), ...measured.map(asSpeed)];
}

function skewedRow(name: string, value: unknown): string[] {
  const measured = compare([
    { name: "package", run: () => reference(value) },
    { name: "stringify", run: () => JSON.stringify(value) },
    { name: "jcs", run: () => canonicalizeJcs(value) },
  ]);
  return [name, bytesOf(value), ...measured.map(asSpeed)];
}

function digestRow(name: string, value: JsonValue): string[] {
  const digest = (write: (value: JsonValue) => string | undefined): Contender => ({
    name: "digest",
    run: () => sha256Hex(write(value) ?? ""),
  });
  const measured = compare([
    digest((each) => JSON.stringify(each)),
    digest((each) => canonicalizeJcs(each)),
    digest((each) => canonicalText(each)),
    digest((each) => canonicalize(each)),
    digest((each) => reference(each)),
  ]);
  return [name, bytesOf(value), ...measured.map(asTime)];
}

function hashRow(name: string, value: JsonValue): string[] {
  const text = flat(canonicalText(value));
  const ways = [chooseHash({ hash }), chooseHash({ createHash }), chooseHash({})];
  return [name, ...compare(ways.map((way) => ({ name: "hash", run: () => way("sha256", text) }))).map(asTime)];
}

function asSpeed({ us, ratio }: Measured): string {
  return `${us.toFixed(us < 100 ? 2 : 0)} (${(1 / ratio).toFixed(2)})`;
}

function asTime({ us, ratio }: Measured): string {
  return `${us.toFixed(us < 100 ? 2 : 0)} (${ratio.toFixed(2)})`;
}

function bytesOf(value: unknown): string {
  return String(Buffer.byteLength(JSON.stringify(value)));
}

/** A value whose objects were not frozen or shared by whoever made them, as a caller hands it in. */
function copyOf(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

/** The same text in one piece: concatenation leaves a tree, and hashing it first would pay for that once. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}
