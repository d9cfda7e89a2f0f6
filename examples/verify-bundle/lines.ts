import { createHash } from "node:crypto";
import { readCanonical, type Json } from "./canonical.js";

/** An object of which nothing is known but that it is one. */
export interface Members {
  readonly [member: string]: Json;
}

/** A bundle taken apart: its lines in order, each an object of a known type. */
export interface Lines {
  readonly all: readonly Members[];
  /** The digest over all lines but the last. */
  readonly digest: string;
}

/** The members of each type of line, in the order in which the types stand, with an example of what each may hold. */
const SHAPES: readonly (readonly [type: string, shape: Members])[] = [
  ["bundle", { format: 1, head: {}, runId: "", runbookId: "", scope: "" }],
  ["runbook", { contentText: "", documentDigest: "", documentText: "", evidenceText: "", id: "" }],
  ["event", { at: 0, epoch: 0, hash: "", kind: "", payloadDigest: "", payloadText: "", prev: "", seq: 0, stream: "", v: 0 }],
  ["artifact", { base64: "", id: "", kind: "" }],
  ["inbox", { consumed: true, key: "", kind: "", order: 0, payloadText: "" }],
  ["end", { approvals: 0, artifacts: 0, digest: "", events: 0, inbox: 0 }],
];

/** SHA-256 over a tag, a line feed and a text. */
export function digestOf(tag: string, text: string): string {
  return createHash("sha256").update(`${tag}\n${text}`, "utf8").digest("hex");
}

/**
 * Takes a bundle apart (check 1 of the format).
 *
 * @returns the lines, or what is wrong with the first bad one
 */
export function readLines(bytes: Uint8Array): Lines | string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "the bundle is not UTF-8";
  }
  if (!text.endsWith("\n")) return "the bundle is cut off";
  const all: Members[] = [];
  let [place, digest, digestBefore] = [-1, "0".repeat(64), ""];
  for (const line of text.slice(0, -1).split("\n")) {
    const value = readCanonical(line);
    if (!isObject(value)) return `line ${all.length + 1} is not the canonical text of an object`;
    const type = SHAPES.findIndex(([name]) => name === value["type"]);
    // one header, one runbook, one end; the others as often as they like, but in this order
    const isNext = type === 2 || type === 3 || type === 4 ? place >= 1 && type >= place : type === (type === 5 ? 5 : place + 1);
    if (!isNext || place === 5 || (type === 5 && place < 1)) return `line ${all.length + 1} is out of its place`;
    if (!hasShape(value, SHAPES[type]?.[1] ?? {})) return `line ${all.length + 1} has other members than its type`;
    if (type === 0 && value["format"] !== 1) return "the bundle is of a format that is not 1";
    place = type;
    digestBefore = digest;
    digest = digestOf("runseal/bundle/1", digest + line);
    all.push(value);
  }
  return place === 5 ? { all, digest: digestBefore } : "the bundle has no end";
}

/** Whether a value is an object. */
export function isObject(value: Json | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasShape(value: Members, shape: Members): boolean {
  const names = Object.keys(shape);
  if (Object.keys(value).length !== names.length + 1) return false;
  return names.every((name) => Object.hasOwn(value, name) && value[name] !== null && typeof value[name] === typeof shape[name]);
}
