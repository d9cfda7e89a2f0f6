import type { EntityRef } from "../model/write-set.js";
import type { Runbook } from "../model/runbook.js";
import type { RunbookId } from "../model/ids.js";
import { lockKeyOf } from "../history/lock-requests.js";
import { showEntity, showName } from "./show.js";
import { touchedBy, type Touched } from "./touched.js";

/** Why two runbooks should not run at the same time. */
export interface Conflict {
  readonly a: RunbookId;
  readonly b: RunbookId;
  /** Entities that both touch and at least one writes; while one holds its lock the other waits. */
  readonly entities: readonly (EntityRef & { readonly access: "write_write" | "read_write" })[];
  /** Kinds of which one learns while running which entity it writes: the two may meet, or may not. */
  readonly lateKinds: readonly string[];
  /** False when only late writes stand between them. */
  readonly isCertain: boolean;
  /** One sentence. */
  readonly text: string;
}

/**
 * The pairs of runbooks that can't run at the same time, with the reasons; every pair that is not listed can.
 *
 * Runbooks of different scopes never conflict. In order of the list.
 *
 * @remarks Time O(pairs · entities of the smaller).
 */
export function conflictsOf(runbooks: readonly Runbook[]): readonly Conflict[] {
  const sides = runbooks.map(sideOf);
  return sides.flatMap((a, index) => sides.slice(index + 1).flatMap((b) => conflictBetween(a, b) ?? []));
}

interface Side {
  readonly runbook: Runbook;
  readonly touched: Touched;
  readonly writes: ReadonlyMap<string, EntityRef>;
  readonly reads: ReadonlyMap<string, EntityRef>;
  readonly lateKinds: ReadonlySet<string>;
  /** Kinds of everything touched, late or not. */
  readonly kinds: ReadonlySet<string>;
}

function sideOf(runbook: Runbook): Side {
  const touched = touchedBy(runbook);
  const byKey = (entities: readonly EntityRef[]): ReadonlyMap<string, EntityRef> =>
    new Map(entities.map((entity) => [lockKeyOf(runbook.content.scope, entity), entity]));
  const lateKinds = new Set(touched.lateWrites.map((late) => late.kind));
  const kinds = new Set([...touched.reads, ...touched.writes, ...touched.lateWrites].map((entity) => entity.kind));
  return { runbook, touched, writes: byKey(touched.writes), reads: byKey(touched.reads), lateKinds, kinds };
}

function conflictBetween(a: Side, b: Side): Conflict | undefined {
  if (a.runbook.content.scope !== b.runbook.content.scope) return undefined;
  const entities = [
    ...common(a.writes, b.writes, "write_write"),
    ...common(a.writes, without(b.reads, b.writes), "read_write"),
    ...common(b.writes, without(a.reads, a.writes), "read_write"),
  ].sort(byEntity);
  const lateKinds = [...new Set([...meeting(a.lateKinds, b.kinds), ...meeting(b.lateKinds, a.kinds)])].sort();
  if (entities.length === 0 && lateKinds.length === 0) return undefined;
  const pair = { a: a.runbook.id, b: b.runbook.id, entities, lateKinds, isCertain: entities.length > 0 };
  return { ...pair, text: textOf(a, b, pair) };
}

function common(
  first: ReadonlyMap<string, EntityRef>,
  second: ReadonlyMap<string, EntityRef>,
  access: "write_write" | "read_write",
): Conflict["entities"] {
  const [few, many] = first.size <= second.size ? [first, second] : [second, first];
  return [...few].filter(([key]) => many.has(key)).map(([, { kind, id }]) => ({ kind, id, access }));
}

function without(
  entities: ReadonlyMap<string, EntityRef>,
  others: ReadonlyMap<string, EntityRef>,
): ReadonlyMap<string, EntityRef> {
  return new Map([...entities].filter(([key]) => !others.has(key)));
}

function meeting(late: ReadonlySet<string>, kinds: ReadonlySet<string>): readonly string[] {
  return [...late].filter((kind) => kinds.has(kind));
}

function byEntity(a: EntityRef, b: EntityRef): number {
  return a.kind === b.kind ? (a.id < b.id ? -1 : 1) : a.kind < b.kind ? -1 : 1;
}

function textOf(a: Side, b: Side, { entities, lateKinds }: Pick<Conflict, "entities" | "lateKinds">): string {
  const certain = entities.map(
    (entity) => `${entity.access === "write_write" ? "both write" : "one writes and one reads"} ${showEntity(entity)}`,
  );
  const possible = lateKinds.map((kind) => `they may write the same ${showName(kind)}, which is learnt while running`);
  return `${showName(a.runbook.document.name)} and ${showName(b.runbook.document.name)}: ${[...certain, ...possible].join("; ")}`;
}
