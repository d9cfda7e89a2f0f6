import type { AnyEvent } from "../../src/model/event.js";
import type { ClaimedRun, ClaimReason } from "../../src/engine/claim-run.js";
import type { DriveControl, DriveEnd } from "../../src/engine/drive-end.js";
import type { EngineOptions, EngineParts } from "../../src/engine/parts.js";
import type { InboxEntry } from "../../src/stores/inbox.js";
import type { MemoryStores } from "../../src/stores/memory/memory-stores.js";
import type { Runbook } from "../../src/model/runbook.js";
import type { RunRequest } from "../../src/engine/submit-run.js";
import type { VerbSketch } from "./build-runbook.js";
import { ManualEnv } from "./manual-env.js";
import { claimRun } from "../../src/engine/claim-run.js";
import { driveRun } from "../../src/engine/drive-run.js";
import { eventOf } from "../../src/history/read-event.js";
import { handlersOf } from "./build-runbook.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";
import { runStream } from "../../src/model/ids.js";
import { submitRun } from "../../src/engine/submit-run.js";

/** What a rig is made of; everything has a default. */
export interface RigOptions {
  readonly verbs?: { readonly [name: string]: VerbSketch };
  readonly env?: ManualEnv;
  readonly stores?: EngineParts["stores"];
  readonly sharedWith?: Rig;
  readonly options?: Partial<EngineOptions>;
  readonly ownerAlive?: (owner: string) => boolean;
}

/** An engine over memory stores and manual time, with the few calls that tests make all the time. */
export class Rig {
  readonly env: ManualEnv;
  readonly stores: EngineParts["stores"];
  readonly parts: EngineParts;
  readonly lines: unknown[] = [];

  constructor(rig: RigOptions = {}) {
    this.env = rig.env ?? rig.sharedWith?.env ?? new ManualEnv();
    this.stores = rig.stores ?? this.#memory(rig);
    this.parts = {
      stores: this.stores,
      env: this.env,
      handlers: handlersOf(rig.verbs ?? {}),
      log: (line) => this.lines.push(line),
      ...(rig.options !== undefined && { options: rig.options }),
    };
  }

  /** Submits a run and returns its id. */
  async submit(runbook: Runbook, request: Partial<RunRequest> = {}): Promise<string> {
    const defaults = { dedupKey: null, queue: "default", priority: 0, labels: {}, concurrency: null, parent: null, by: null };
    const { runId } = await submitRun(this.parts, { scope: "default", runbook, ...defaults, ...request });
    return runId;
  }

  /** Claims a run that can be claimed. */
  async claim(runbook: Runbook, runId: string, reason: ClaimReason = "requested"): Promise<ClaimedRun> {
    const answer = await claimRun(this.parts, { scope: "default", runId, runbook, reason, build: {}, approvals: null });
    if (answer.kind === "refused") throw answer.error;
    return answer.run;
  }

  /** Claims and drives a run, moving the clock as far as it takes. */
  async drive(runbook: Runbook, runId: string, control: DriveControl = {}, reason: ClaimReason = "requested"): Promise<DriveEnd> {
    const run = await this.claim(runbook, runId, reason);
    return this.env.until(driveRun(this.parts, run, control));
  }

  /** Claims and starts to drive a run; the clock stands still. */
  async begin(runbook: Runbook, runId: string, control: DriveControl = {}): Promise<{ readonly end: Promise<DriveEnd> }> {
    const run = await this.claim(runbook, runId);
    const end = driveRun(this.parts, run, control);
    await this.env.settle();
    return { end };
  }

  /** Submits and drives. */
  async execute(runbook: Runbook, request: Partial<RunRequest> = {}): Promise<DriveEnd> {
    return this.drive(runbook, await this.submit(runbook, request));
  }

  /** The log of a run. */
  async events(runId: string): Promise<AnyEvent[]> {
    const events: AnyEvent[] = [];
    for await (const stored of this.stores.reader.read("default", runStream(runId))) events.push(eventOf(stored));
    return events;
  }

  /** The log of a run, one line an event: the kind and what tells it from others. */
  async story(runId: string): Promise<string[]> {
    return (await this.events(runId)).map(tell);
  }

  async put(entry: InboxEntry): Promise<string> {
    return (await this.stores.inbox.put(entry)).kind;
  }

  #memory(rig: RigOptions): MemoryStores {
    const { sharedWith, ownerAlive } = rig;
    return memoryStores({
      clock: this.env,
      ...(ownerAlive !== undefined && { ownerAlive }),
      ...(sharedWith !== undefined && { sharedWith: sharedWith.stores }),
    });
  }
}

/** One event as a line. */
function tell(event: AnyEvent): string {
  const payload = event.payload as { readonly [member: string]: unknown };
  const named = ["stepId", "attempt", "code", "reason", "key", "final"]
    .filter((member) => payload[member] !== undefined && payload[member] !== null)
    .filter((member) => !(member === "final" && payload[member] === true))
    .map((member) => (member === "final" ? "again" : String(payload[member])));
  return [event.kind, ...named].join(" ");
}

/** The end of a drive as a run that rests; anything else fails the test. */
export function rested(end: DriveEnd): Extract<DriveEnd, { kind: "rested" }> {
  if (end.kind !== "rested") throw new Error(`the drive ended "${end.kind}"`);
  return end;
}
