import type { EntityRef } from "../model/write-set.js";
import { printText } from "../expression/print.js";

const PLAIN = /^[A-Za-z0-9_.:@#/[\]<>+-]+$/;

/** A name as it stands where it can't disguise itself, else quoted with everything invisible escaped. */
export function showName(text: string): string {
  return PLAIN.test(text) ? text : printText(text);
}

/** An entity as `kind:id`. */
export function showEntity(entity: EntityRef): string {
  return showName(`${entity.kind}:${entity.id}`);
}

/** `1 step`, `2 steps`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
