import type { EdgeBook } from "./edge-book.js";
import type { ExpandedStep, PlanEdge } from "../model/step.js";
import type { OrderKeeper } from "./order-keeper.js";
import type { StepId } from "../model/ids.js";
import type { StepWrites, Subject } from "../model/write-set.js";
import { uuidIn } from "./entity.js";

/** Beyond this many steps on one entity whose explicit order is tangled, they are ordered in one line instead of by pairs. */
const PAIRS_MAX = 256;

const ANY_KIND = "any";
const LATE = "late";

/** How a step touches something that can't be touched at once. */
interface Touch {
  readonly step: number;
  readonly isWrite: boolean;
}

/** What several steps touch: one entity, or one kind with late writes. */
interface Shared {
  readonly touches: Touch[];
  /** `null` id = all entities of the kind, because it is learnt while running which. */
  readonly entity: { readonly kind: string; readonly id: string | null };
  /** Number of the last step that wrote; -1 = none. */
  writer: number;
  /** Steps that read since. */
  readers: number[];
  isTangled: boolean;
}

/**
 * Adds the edges between steps that touch the same entity: write before write, write before read, read before write, in order of
 * writing (decision 2.6); and those of late writes among themselves and with known writes of their kind (decision 2.9).
 *
 * Per entity a chain of neighbours is enough: the rest follows. Where explicit edges run against the order of writing, pairs are
 * looked at one by one, and a pair that is ordered the other way stays so.
 *
 * @param keeper - `undefined` when every edge so far follows the order of writing, so that none of these can close a circle
 */
export function orderByEntity(
  steps: readonly ExpandedStep[],
  writes: ReadonlyMap<StepId, StepWrites>,
  edges: EdgeBook,
  keeper: OrderKeeper | undefined,
): void {
  new EntityOrder(edges, keeper).run(steps, writes);
}

class EntityOrder {
  readonly #edges: EdgeBook;
  readonly #keeper: OrderKeeper | undefined;
  /** The step that touched it, doubled, plus one for a write: most entities are touched by one step. */
  readonly #once = new Map<string, Map<string, number>>();
  readonly #shared = new Map<string, Map<string, Shared>>();

  constructor(edges: EdgeBook, keeper: OrderKeeper | undefined) {
    this.#edges = edges;
    this.#keeper = keeper;
  }

  run(steps: readonly ExpandedStep[], writes: ReadonlyMap<StepId, StepWrites>): void {
    const lateKinds = new Set<string>();
    for (const touched of writes.values()) for (const late of touched.lateWrites) lateKinds.add(late.kind);
    let number = 0;
    for (const { id } of steps) {
      const touched = writes.get(id);
      if (touched !== undefined) this.#step(number, touched, lateKinds);
      number += 1;
    }
    for (const ofKind of this.#shared.values()) {
      for (const shared of ofKind.values()) if (shared.isTangled) this.#untangle(shared);
    }
  }

  #step(step: number, { reads, writes, lateWrites }: StepWrites, lateKinds: ReadonlySet<string>): void {
    // writes first: a step that reads what it writes counts as writing it
    for (const subject of writes) this.#touchEntity(subject, step, true);
    for (const subject of reads) this.#touchEntity(subject, step, false);
    if (lateKinds.size === 0) return;
    const late = new Set(lateWrites.map((write) => write.kind));
    for (const kind of late) this.#touch(LATE, kind, { kind, id: null }, { step, isWrite: true });
    // a late write may turn out to be any entity of its kind, so against late writes a known one counts like a reader
    for (const { kind } of writes) {
      if (lateKinds.has(kind) && !late.has(kind)) this.#touch(LATE, kind, { kind, id: null }, { step, isWrite: false });
    }
  }

  #touchEntity(subject: Subject, step: number, isWrite: boolean): void {
    // a UUID names the same entity under every kind
    const uuid = uuidIn(subject.id);
    this.#touch(uuid === undefined ? `kind ${subject.kind}` : ANY_KIND, uuid ?? subject.id, subject, { step, isWrite });
  }

  #touch(group: string, key: string, entity: Shared["entity"], touch: Touch): void {
    const shared = this.#shared.get(group)?.get(key);
    if (shared !== undefined) {
      this.#touchAgain(shared, touch);
      return;
    }
    const once = groupOf(this.#once, group);
    const before = once.get(key);
    if (before === undefined) {
      once.set(key, touch.step * 2 + (touch.isWrite ? 1 : 0));
      return;
    }
    const first = { step: before >>> 1, isWrite: before % 2 === 1 };
    const made: Shared = { touches: [], entity, writer: -1, readers: [], isTangled: false };
    groupOf(this.#shared, group).set(key, made);
    this.#touchAgain(made, first);
    this.#touchAgain(made, touch);
  }

  #touchAgain(shared: Shared, touch: Touch): void {
    const { step, isWrite } = touch;
    if (shared.touches.at(-1)?.step === step) return;
    shared.touches.push(touch);
    if (shared.isTangled) return;
    const before = isWrite && shared.readers.length > 0 ? shared.readers : shared.writer < 0 ? [] : [shared.writer];
    const isWriteBefore = before !== shared.readers;
    for (const first of before) {
      if (!this.#order({ step: first, isWrite: isWriteBefore }, touch, shared)) shared.isTangled = true;
    }
    if (isWrite) {
      shared.writer = step;
      shared.readers = [];
    } else {
      shared.readers.push(step);
    }
  }

  /** Tells whether the second touch comes after the first now. */
  #order(first: Touch, second: Touch, shared: Shared): boolean {
    if (this.#edges.has(first.step, second.step)) return true;
    if (this.#keeper !== undefined && !this.#keeper.add(first.step, second.step)) return false;
    this.#edges.add(first.step, second.step, whyOf(shared.entity, first, second));
    return true;
  }

  #untangle(shared: Shared): void {
    const { touches } = shared;
    if (touches.length > PAIRS_MAX) {
      this.#inLine(shared);
      return;
    }
    for (const [index, second] of touches.entries()) {
      for (const first of touches.slice(0, index).reverse()) {
        if (first.isWrite || second.isWrite) this.#order(first, second, shared);
      }
    }
  }

  /** One line in the order that the explicit edges ask for: not always the order of writing, and never a circle. */
  #inLine(shared: Shared): void {
    const position = ({ step }: Touch): number => this.#keeper?.position(step) ?? step;
    const line = [...shared.touches].sort((a, b) => position(a) - position(b));
    for (const [index, second] of line.entries()) {
      const first = line[index - 1];
      if (first !== undefined) this.#order(first, second, shared);
    }
  }
}

function groupOf<T>(groups: Map<string, Map<string, T>>, group: string): Map<string, T> {
  const known = groups.get(group);
  if (known !== undefined) return known;
  const made = new Map<string, T>();
  groups.set(group, made);
  return made;
}

/** Why the later of two touches waits. */
function whyOf({ kind, id }: Shared["entity"], first: Touch, second: Touch): PlanEdge["why"] {
  if (id === null) return { kind: "late_write", entityKind: kind };
  const access = first.isWrite ? (second.isWrite ? "write_write" : "write_read") : "read_write";
  return { kind: "entity", entityKind: kind, entityId: id, access };
}
