import type { EdgeBook } from "./edge-book.js";
import type { ExpandedStep, PlanEdge } from "../model/step.js";
import type { OrderKeeper } from "./order-keeper.js";
import type { StepId } from "../model/ids.js";
import type { StepWrites } from "../model/write-set.js";
import { entityKey } from "./entity.js";

/** Beyond this many steps on one entity whose explicit order is tangled, they are ordered in one line instead of by pairs. */
const PAIRS_MAX = 256;

/** How a step touches something that can't be touched at once. */
interface Touch {
  readonly step: number;
  readonly isWrite: boolean;
}

/** One entity, or one kind with late writes, and who touched it so far. */
interface Shared {
  readonly touches: Touch[];
  /** Says why the later of two touches waits. */
  readonly why: (first: Touch, second: Touch) => PlanEdge["why"];
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
  readonly #shared = new Map<string, Shared>();

  constructor(edges: EdgeBook, keeper: OrderKeeper | undefined) {
    this.#edges = edges;
    this.#keeper = keeper;
  }

  run(steps: readonly ExpandedStep[], writes: ReadonlyMap<StepId, StepWrites>): void {
    const lateKinds = new Set([...writes.values()].flatMap((touched) => touched.lateWrites.map((late) => late.kind)));
    for (const [step, { id }] of steps.entries()) {
      const touched = writes.get(id);
      if (touched !== undefined) this.#step(step, touched, lateKinds);
    }
    for (const shared of this.#shared.values()) if (shared.isTangled) this.#untangle(shared);
  }

  #step(step: number, touched: StepWrites, lateKinds: ReadonlySet<string>): void {
    const written = new Set<string>();
    const late = new Set(touched.lateWrites.map((write) => write.kind));
    const known = new Set<string>();
    for (const subject of touched.writes) {
      const key = entityKey(subject);
      written.add(key);
      this.#touch(this.#entity(key, subject.kind, subject.id), { step, isWrite: true });
      if (lateKinds.has(subject.kind) && !late.has(subject.kind)) known.add(subject.kind);
    }
    for (const subject of touched.reads) {
      const key = entityKey(subject);
      if (!written.has(key)) this.#touch(this.#entity(key, subject.kind, subject.id), { step, isWrite: false });
    }
    // a late write may turn out to be any entity of its kind, so against late writes a known one counts like a reader
    for (const kind of late) this.#touch(this.#kind(kind), { step, isWrite: true });
    for (const kind of known) this.#touch(this.#kind(kind), { step, isWrite: false });
  }

  #touch(shared: Shared, touch: Touch): void {
    const { step, isWrite } = touch;
    // a step that names one entity twice has its writes first
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
    this.#edges.add(first.step, second.step, shared.why(first, second));
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

  #entity(key: string, entityKind: string, entityId: string): Shared {
    return this.#of(`entity ${key}`, (first, second) => {
      const access = first.isWrite ? (second.isWrite ? "write_write" : "write_read") : "read_write";
      return { kind: "entity", entityKind, entityId, access };
    });
  }

  #kind(entityKind: string): Shared {
    return this.#of(`late ${entityKind}`, () => ({ kind: "late_write", entityKind }));
  }

  #of(key: string, why: Shared["why"]): Shared {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const shared: Shared = { touches: [], why, writer: -1, readers: [], isTangled: false };
    this.#shared.set(key, shared);
    return shared;
  }
}
