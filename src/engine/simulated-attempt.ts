import type { AnyEvent, EventDraft } from "../model/event.js";
import type { FactLog, RecordedFact } from "../io/fact-book.js";
import type { IoCall, IoResult } from "../model/io-call.js";
import type { IoProvider } from "../io/provider.js";
import type { RecordedEnd } from "./replay-script.js";
import type { ReplayTally } from "./replay-tally.js";
import type { StepId } from "../model/ids.js";
import { FactBook } from "../io/fact-book.js";
import { ReplayIo } from "../io/replay-io.js";
import { canonicalText } from "../json/canonical.js";
import { isRunsealError } from "../errors/error.js";
import { pictureOf } from "../history/compare.js";
import { redact } from "../secrets/redact.js";

/** What the record has of an attempt. */
export interface RecordedAttempt {
  readonly stepId: StepId;
  readonly attempt: number;
  readonly end: RecordedEnd;
  /** What came from the handler between its entry and its end: facts, and what it said of itself. */
  readonly said: readonly AnyEvent[];
}

/** The facts of a record. */
export interface RecordedFacts {
  readonly known: (key: string) => RecordedFact | undefined;
  readonly load: FactLog["load"];
}

/** One attempt whose handler is called again: it gets the facts that it got, and what it says is held against what it said. */
export class SimulatedAttempt {
  readonly io: IoProvider;
  readonly #of: RecordedAttempt;
  readonly #asked = new Set<string>();
  /** What the handler asked the world for and the record can't answer. */
  readonly #unanswered: string[] = [];
  readonly #said: EventDraft[] = [];

  constructor(of: RecordedAttempt, facts: RecordedFacts) {
    this.#of = of;
    const known = (key: string): RecordedFact | undefined => {
      this.#asked.add(key);
      const fact = facts.known(key);
      // what a later attempt learnt was not known yet
      if (fact !== undefined && fact.seq < of.end.event.seq) return fact;
      this.#unanswered.push(key);
      return undefined;
    };
    const book = new FactBook({ known, load: facts.load, record: () => Promise.resolve() });
    this.io = watched(new ReplayIo(of, book), (namespace) => this.#unanswered.push(namespace));
  }

  /** Whether the handler asked the world for something that the record can't answer. */
  get isUnanswered(): boolean {
    return this.#unanswered.length > 0;
  }

  /** Takes what the handler says of itself. */
  hear(events: readonly EventDraft[]): void {
    this.#said.push(...events);
  }

  /** Tells of facts that the handler asked for and the record does not have (reliability row 69). */
  reportUnanswered(tally: ReplayTally): void {
    const { stepId, end } = this.#of;
    for (const key of new Set(this.#unanswered)) {
      const message = `the handler asks for "${key}", which the record can't answer`;
      tally.add({ seq: end.event.seq, stepId, expected: null, found: `fact "${key}"`, message });
    }
  }

  /** Tells of facts and events that the record has and the handler did not come to, and of what it says that the record does not have. */
  report(tally: ReplayTally, isTalkative: boolean): void {
    const { stepId, end, said } = this.#of;
    for (const event of said) {
      if (event.kind !== "fact.recorded" || this.#asked.has(event.payload.key)) continue;
      const message = `the handler does not ask for the fact "${event.payload.key}", which the record has`;
      tally.add({ seq: event.seq, stepId, expected: pictureOf(event), found: null, message });
    }
    const isHeard = ({ kind }: { readonly kind: string }): boolean => kind === "artifact.written" || isTalkative;
    const was = said
      .filter((event) => event.kind !== "fact.recorded" && isHeard(event))
      .map((event) => ({ event, text: textOf(event) }));
    const is = this.#said.filter(isHeard).map(textOf);
    for (let index = 0; index < Math.max(was.length, is.length); index += 1) {
      if (was[index]?.text === is[index]) continue;
      const expected = was[index]?.event;
      const found = is[index] ?? null;
      const message = "the handler says something else of itself than the record has";
      tally.add({
        seq: expected?.seq ?? end.event.seq,
        stepId,
        expected: expected === undefined ? null : pictureOf(expected),
        found,
        message,
      });
      return;
    }
  }
}

function textOf({ kind, payload }: Pick<AnyEvent, "kind" | "payload"> | EventDraft): string {
  return `${kind} ${canonicalText(redact(payload))}`;
}

/** The same provider; tells of calls that were not recorded. */
function watched(io: ReplayIo, onUnrecorded: (namespace: string) => void): IoProvider {
  return {
    async call(call: IoCall): Promise<IoResult> {
      try {
        return await io.call(call);
      } catch (error) {
        if (isRunsealError(error, "io.missing_fact_key")) onUnrecorded(call.namespace);
        throw error;
      }
    },
    fact: (key) => io.fact(key),
    recordValue: (key, value) => io.recordValue(key, value),
    recordedFact: (key) => io.recordedFact(key),
    nowMs: () => io.nowMs(),
    entropy: (length) => io.entropy(length),
    uuid: () => io.uuid(),
  };
}
