import type { StreamWrite } from "./event-store.js";
import type { Scope, StreamName } from "../model/ids.js";

/** What happened to a stream, for those who wait for something. */
export interface StoreChange {
  readonly scope: Scope;
  readonly stream: StreamName;
  /**
   * `progress`: a run goes on under its lease. `message`: something was put into the inbox of a run. `commit`: anything else: a run was
   * submitted, taken, parked, handed over or has ended, or the stream is not a run's.
   */
  readonly what: "progress" | "commit" | "message";
}

/** Told what changed, `undefined` when the store can't tell: then anything may have. */
export type ChangeListener = (change?: StoreChange) => void;

/** What a commit tells of one of its writes. */
export function changeOf({ scope, stream, fence, run, releaseLease }: StreamWrite): StoreChange {
  const goesOn = fence !== null && releaseLease !== true && (run === undefined || run.status === "running");
  return { scope, stream, what: goesOn ? "progress" : "commit" };
}
