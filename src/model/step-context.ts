import type { ChildEnd } from "./child-end.js";
import type { IoCall, IoResult } from "./io-call.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { Park, ParkOptions } from "./park.js";

/** Anything that turns an unknown value into a typed one or throws, such as a zod schema. */
export interface ContextSchema<T> {
  parse(value: unknown): T;
}

/** One event of a handler's own, for the run's log. */
export interface DomainEvent {
  /** `topic.what_happened`. */
  readonly name: string;
  readonly payload: unknown;
}

/**
 * What a handler gets besides its arguments.
 *
 * A handler reaches the world through its own services; everything that ties the call to the run is here. Calls after the
 * attempt has ended throw `context.closed`.
 */
export interface StepContext {
  readonly runId: string;
  readonly stepId: string;
  /** 1-based count of tries of this step. */
  readonly attempt: number;
  /** Equal over all attempts of this step of this run: hand it to the service that you call. */
  readonly idempotencyKey: string;
  /** Aborted on cancel, timeout, and when this process lost the run. */
  readonly signal: AbortSignal;
  /** The default key under which a signal completes this step when it parks. */
  readonly signalKey: string;
  /**
   * Declares a write before it happens.
   * @throws `write.undeclared` when the entity is not in the sealed write-set of this step
   */
  writes(kind: string, id: string): void;
  /**
   * What a `durable` handler returns after it has dispatched: the step waits for a signal, at most until `until` (milliseconds since the epoch, or
   * a duration from now such as `"2h"`). With `otherwise` the wait is a timer: that is the result when nobody has answered by then.
   */
  park(options?: ParkOptions): Park;
  /** The time, milliseconds since the epoch: recorded, and the same again when the run is replayed. */
  now(): Promise<number>;
  /** Random bytes (at most 65,536), recorded. */
  random(length: number): Promise<Uint8Array>;
  /** A new UUIDv7, recorded. */
  uuid(): Promise<string>;
  /**
   * Something that comes from outside: asked once in the life of the run and recorded under its key before the handler sees it; every
   * later attempt, resume and replay gets the record. The first binding wins, over all steps of the run.
   *
   * @throws `io.invalid_fact_key`; `value.not_canonical` when the answer can't be recorded
   */
  fact<T>(key: string, ask: () => T | Promise<T>): Promise<T>;
  /** The transports of the instance. With a `factKey` the answer is a fact, as with {@link StepContext.fact}. */
  readonly io: {
    /** @throws `io.unknown_namespace`, and what the transport throws */
    call(call: IoCall): Promise<IoResult>;
  };
  /** What a plan ancestor, or this attempt, put into the context under a key; read through a schema where one is given. */
  get(key: string): JsonValue | undefined;
  get<T>(key: string, schema: ContextSchema<T>): T | undefined;
  /** Whether there is a value under a key. */
  has(key: string): boolean;
  /** Puts a value into the context; later steps see it once this attempt has completed, and nothing of it when it fails. */
  set(key: string, value: unknown): void;
  /** Takes a key out of the context; whether it was there. */
  delete(key: string): boolean;
  /** The whole context as this attempt sees it, sorted by key. */
  dump(): JsonObject;
  /**
   * Keeps bytes (at most 64 MiB) under their SHA-256 and names them in the log; `kind` is a word such as `report`; what is
   * kept as `secret_payload` is stored encrypted and read back in the clear by this run alone.
   */
  putArtifact(kind: string, bytes: Uint8Array | string): Promise<string>;
  /**
   * Bytes that were kept.
   * @throws `artifact.not_found`, `artifact.invalid`; `store.corrupt` when they no longer match their name
   */
  getArtifact(id: string): Promise<Uint8Array>;
  /** Adds an event of the handler's own to the run's log. */
  emit(name: string, payload: unknown): Promise<void>;
  /** Adds several, in order and together. */
  emitMany(events: readonly DomainEvent[]): Promise<void>;
  /**
   * Runs a runbook that was sealed beforehand, and whose id is an argument of this step, as a child of this run: the same child for the
   * same key, however often the step is tried. Where the child parks, so does this step, and its handler is called again when the child
   * goes on. For verbs that read, or write idempotently.
   *
   * @throws `child.refused`, `child.conflict`; `write.undeclared` when the child touches what this run's sealed write-set does not name
   */
  child(runbookId: string, options: { readonly key: string }): Promise<ChildEnd>;
  /** Says how far the step is, e.g. rows done and rows in total: what a progress bar is drawn from. */
  progress(done: number, total?: number): Promise<void>;
  /**
   * The value of a secret of the host's: by a reference that the sealed arguments hold (`args.token`, which is `"secret:bank"`), or by a
   * name that the handler itself knows (`"bank"`). From then on the value is redacted wherever this process records or logs.
   * @throws `secret.unresolved`; `secret.not_sealed` for a reference that the arguments of the step don't hold
   */
  secret(name: string): Promise<string>;
  /**
   * The transaction that a `transactional` verb works in: the handle of the stores' database (`SqliteTransaction`, `MemoryTransaction`, a client of
   * PostgreSQL). What is written through it and the completion of the step are there together, or neither is: the effect happens exactly once.
   * It is open for at most 5 s; what throws is rolled back. `io`, `fact`, `park` and `child` throw `context.in_transaction` meanwhile. Absent in every
   * other handler, and in replay.
   */
  readonly tx?: unknown;
  /** A line for the instance's logger, after redaction; never recorded. */
  log(message: string, fields?: { readonly [name: string]: unknown }): void;
}
