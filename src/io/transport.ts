import type { Clock } from "../time/clock.js";
import type { JsonValue } from "../json/value.js";
import type { RunId, Scope, StepId } from "../model/ids.js";

/** Which attempt a transport is made for, and the time it works by. */
export interface TransportEnv {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly stepId: StepId;
  /** 1-based. */
  readonly attempt: number;
  /** Deadlines are kept by it; tests bring one they turn by hand. */
  readonly clock: Clock;
}

/** One call of a transport: who asks, and what a transport may use while it answers. */
export interface TransportCall {
  readonly runId: RunId;
  readonly stepId: StepId;
  /** 1-based. */
  readonly attempt: number;
  /** The namespace that was asked for; the transport's group, or a longer name below it. */
  readonly namespace: string;
  /** Aborted on cancel, timeout, and when this process lost the run: the call gives up and cleans up. */
  readonly signal: AbortSignal;
  /**
   * The value of a secret: by a reference (`secret:name`) that the step's sealed arguments hold, or by a bare name that the transport
   * itself was made with. It is redacted wherever the run records or logs anything.
   * @throws {@link RunsealError} `secret.unresolved` when the host has no such secret; `secret.not_sealed` for another reference
   */
  secret(name: string): Promise<string>;
}

/**
 * A way into the world: takes a request, gives a response, both plain JSON of the restricted value model.
 *
 * What it throws is recorded as the failure of the attempt, so an error never repeats the request or the response.
 */
export interface Transport {
  /** Answers one request. May be called several times at once within an attempt. */
  call(request: JsonValue, at: TransportCall): Promise<JsonValue>;
}

/** Makes the transport of one attempt; called at the first request of that attempt to its group. Does no I/O. */
export type TransportFactory = (env: TransportEnv) => Transport;

/** Transports by namespace group: `"bank"` answers `bank` and everything below it (`bank.eu`), `"bank.eu"` before it. */
export interface TransportGroups {
  readonly [group: string]: TransportFactory;
}
