import type { Approval, ApprovalState } from "../model/approval.js";
import type { ApproveRequest } from "./approve.js";
import type { ArgsOf, Catalog, NameOf, OutputOf } from "../catalog/catalog.js";
import type { CompileContext, Invocation } from "../model/invocation.js";
import type { CompileOutcome } from "../model/outcome.js";
import type { Conflict } from "../review/conflicts.js";
import type { DecisionRequest } from "./messages.js";
import type { AmendOptions } from "./amend.js";
import type { ForkOptions } from "./fork.js";
import type { NewPlan } from "./new-plan.js";
import type { Doubt } from "./doubts.js";
import type { DoubtResolution } from "./resolve-doubt.js";
import type { DryRun } from "./dry-run.js";
import type { EventProfile } from "../model/event-profile.js";
import type { EngineParts } from "../engine/parts.js";
import type { Env } from "../engine/env.js";
import type { Head, RunSummary } from "./inspect.js";
import type { HeldLock } from "../stores/lock-manager.js";
import type { Identification } from "./principal.js";
import type { InstanceParts } from "./parts.js";
import type { LockedEntity } from "./with-locks.js";
import type { ObserverCounts } from "./observers.js";
import type { Preview } from "../model/preview.js";
import type { ReplayOptions } from "./replay.js";
import type { ReplayReport } from "../model/replay-report.js";
import type { ListFilter } from "./list-filter.js";
import type { RunHandle } from "./run-handle.js";
import type { RunId, Scope, StepId } from "../model/ids.js";
import type { RunOptions } from "./run-options.js";
import type { RunVerdict } from "../history/verify-run.js";
import type { RunView } from "../model/run.js";
import type { AnyEvent } from "../model/event.js";
import type { RunbookDiff } from "../review/runbook-diff.js";
import type { RunsealOptions } from "./options.js";
import type { StoreMetrics } from "../stores/counters.js";
import type { UndoOptions, UndoPlan } from "./undo-plan.js";
import type { Unfinishable } from "./check.js";
import type { VerifyOptions } from "./verify.js";
import { ActiveRuns } from "./active-runs.js";
import { DEFAULT_SCOPE } from "../model/ids.js";
import { LIMIT_PROFILES } from "../model/limits.js";
import { Observers } from "./observers.js";
import { RunbookCache } from "./runbook-cache.js";
import { RunsealError } from "../errors/error.js";
import { SecretBroker } from "../io/secret-broker.js";
import { amend } from "./amend.js";
import { approve, readApprovals, revokeApproval } from "./approve.js";
import { assertOutsideStep } from "./phase-guard.js";
import { buildProvenance } from "./build.js";
import { cancel, decide, pause, signal } from "./messages.js";
import { check } from "./check.js";
import { compile } from "./compile.js";
import { conflictsOf } from "../review/conflicts.js";
import { diffRunbooks } from "../review/diff.js";
import { doubts } from "./doubts.js";
import { dryRun } from "./dry-run.js";
import { envOf } from "./env.js";
import { enqueue, execute, recover, resume, submit } from "./execute.js";
import { exportLines, exportRun } from "./export-run.js";
import { fork } from "./fork.js";
import { handlerTable } from "./handler-table.js";
import { listHeldLocks } from "./list-held-locks.js";
import { headOf, historyOf, listRuns, statusOf } from "./inspect.js";
import { faultPointOf, isUnlockedToken } from "./options.js";
import { observedStores } from "./observed-stores.js";
import { preview } from "../review/preview.js";
import { rememberParts } from "./parts-of.js";
import { readRunbook, readRunHead } from "./find-runbook.js";
import { replay } from "./replay.js";
import { resolveDoubt } from "./resolve-doubt.js";
import { runHandle } from "./run-handle.js";
import { runToOutput } from "./run-to-output.js";
import { systemClock } from "../time/clock.js";
import { transportRouter } from "../io/router.js";
import { undoPlan } from "./undo-plan.js";
import { verify } from "./verify.js";
import { withLocks } from "./with-locks.js";

/**
 * Makes an instance: the object through which a service compiles, approves, runs and checks operations.
 *
 * Does no I/O and starts no timer; the stores open at the first call.
 *
 * @throws {@link RunsealError} `instance.misconfigured` for an option that can't be right; `secret.detected` when `build` would
 * record a credential
 */
export function createRunseal<C extends Catalog>(options: RunsealOptions<C>): Runseal<C> {
  return createRunsealIn(envOf(options.clock ?? systemClock), options);
}

/**
 * {@link createRunseal} in a given world: time, chance and ids come from `env`, and `clock` is not looked at.
 *
 * @throws {@link RunsealError} as {@link createRunseal} does
 */
export function createRunsealIn<C extends Catalog>(env: Env, options: RunsealOptions<C>): Runseal<C> {
  checkOptions(options);
  const table = handlerTable(options.catalog, { ...options.handlers });
  if (options.unlocked !== undefined && !isUnlockedToken(options.unlocked)) throw noToken("unlocked", "allowUnlocked");
  const faultPoint = faultPointOf(options.faultPoints);
  if (options.faultPoints !== undefined && faultPoint === undefined) throw noToken("faultPoints", "atFaultPoints");
  const observers = new Observers(options.observers ?? [], env);
  const stores = observedStores(options.stores, observers);
  const engine: EngineParts = {
    stores,
    env,
    handlers: (ref) => table.entry(ref),
    ...(options.logger === undefined ? {} : { log: options.logger }),
    router: transportRouter(options.io?.transports ?? {}),
    secrets: new SecretBroker(options.secrets),
    eventProfile: profileOf(options.eventProfile),
    ...(faultPoint === undefined ? {} : { faultPoint }),
    options: {
      isUnlocked: options.unlocked !== undefined,
      ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
      ...(options.lockDeadlineMs === undefined ? {} : { lockDeadlineMs: options.lockDeadlineMs }),
    },
  };
  const parts: InstanceParts = {
    catalog: options.catalog,
    scope: scopeOf(options.scope),
    stores,
    table,
    engine,
    policy: options.policy,
    approvals: options.approvals,
    authenticate: options.authenticate,
    limits: { ...LIMIT_PROFILES.runbook, ...options.limits },
    writeSet: options.writeSet ?? "heuristic",
    build: buildProvenance(options.build),
    observers,
    active: new ActiveRuns(),
    runbooks: new RunbookCache(),
  };
  return new RunsealInstance<C>(parts);
}

/** Ports without which nothing works; the others are asked for when they are needed. */
const PORTS = ["runbooks", "events", "reader", "runs", "artifacts", "inbox", "leases", "transactions"] as const;

function checkOptions<C extends Catalog>({ catalog, stores, leaseMs, lockDeadlineMs }: RunsealOptions<C>): void {
  const isCatalog = typeof (catalog as unknown) === "object" && (catalog as unknown) !== null && Array.isArray(catalog.verbs);
  if (!isCatalog) throw misconfigured("catalog", "what `createCatalog` made");
  const given: unknown = stores;
  const isStores =
    typeof given === "object" && given !== null && PORTS.every((port) => typeof Reflect.get(given, port) === "object");
  if (!isStores) throw misconfigured("stores", "stores: `openSqlite(path)`, `memoryStores()` or `postgresStores(pool)`");
  if (leaseMs !== undefined && !isMs(leaseMs, 1)) throw misconfigured("leaseMs", "a positive integer below 2^31, milliseconds");
  if (lockDeadlineMs !== undefined && !isMs(lockDeadlineMs, 0))
    throw misconfigured("lockDeadlineMs", "an integer from 0 to below 2^31, milliseconds");
}

/** What is more than a timer can hold makes it ring at once. */
function isMs(value: unknown, least: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) < 2 ** 31;
}

function misconfigured(option: string, right: string): RunsealError<"instance.misconfigured"> {
  return new RunsealError("instance.misconfigured", `"${option}" must be ${right}`, { option });
}

function noToken(option: string, maker: string): RunsealError {
  const message = `"${option}" takes the token that \`${maker}()\` of "runseal/testing" makes`;
  return new RunsealError("instance.misconfigured", message, { option });
}

function profileOf(profile: EventProfile = "normal"): EventProfile {
  if (["minimal", "normal", "verbose"].includes(profile)) return profile;
  throw new RunsealError("instance.misconfigured", '"eventProfile" is minimal, normal or verbose', { option: "eventProfile" });
}

function scopeOf(scope: Scope | undefined): Scope {
  if (scope === undefined) return DEFAULT_SCOPE;
  if (typeof scope === "string" && /^[A-Za-z0-9_.:@-]{1,200}$/.test(scope)) return scope;
  throw new RunsealError("instance.misconfigured", '"scope" must be 1 to 200 letters, digits or _.:@-', { option: "scope" });
}

/** An instance of a catalog: what {@link createRunseal} makes. */
export type Runseal<C extends Catalog = Catalog> = RunsealInstance<C>;

/** Every method is a door into one file of this room. The class stays inside, so that only {@link createRunseal} makes one. */
class RunsealInstance<C extends Catalog> {
  readonly #parts: InstanceParts;

  /** Use {@link createRunseal}. */
  constructor(parts: InstanceParts) {
    this.#parts = parts;
    rememberParts(this, parts);
  }

  /** The catalog that this instance compiles with. */
  get catalog(): C {
    return this.#parts.catalog as C;
  }

  /** The tenant that every call of this view speaks of. */
  get scope(): Scope {
    return this.#parts.scope;
  }

  /** Compiles an invocation into a sealed, stored runbook, or says why not. Nothing of a refusal is stored. */
  compile(invocation: Invocation, context?: CompileContext): Promise<CompileOutcome> {
    return compile(this.#parts, invocation, context);
  }

  /** An invocation whose name and arguments the catalog's types check. */
  invocation<N extends NameOf<C>>(name: N, args: ArgsOf<C, N>): Invocation {
    return { name, args };
  }

  /** What a sealed runbook will do: pure, calls no handler. */
  async preview(id: string): Promise<Preview> {
    return preview(await readRunbook(this.#parts, id));
  }

  /** Rehearses admission: every blocker at once. Writes nothing, calls no handler. */
  dryRun(id: string): Promise<DryRun> {
    return dryRun(this.#parts, id);
  }

  /** What changed from one runbook to another. */
  async diff(a: string, b: string): Promise<RunbookDiff> {
    return diffRunbooks(await readRunbook(this.#parts, a), await readRunbook(this.#parts, b));
  }

  /** Which of these runbooks can't run at the same time, and over which entities. */
  async conflicts(ids: readonly string[]): Promise<readonly Conflict[]> {
    return conflictsOf(await Promise.all(ids.map((id) => readRunbook(this.#parts, id))));
  }

  /** Records one person's approval (or rejection) of a runbook that they looked at. */
  approve(id: string, request: ApproveRequest): Promise<Approval> {
    return approve(this.#parts, id, request);
  }

  /** Takes back an approval that no run has spent. */
  revokeApproval(id: string, nonce: string, request: Identification & { readonly reason?: string }): Promise<void> {
    return revokeApproval(this.#parts, id, nonce, request);
  }

  /** Every approval of a runbook and where it stands. */
  async approvals(id: string): Promise<readonly ApprovalState[]> {
    const runbook = await readRunbook(this.#parts, id);
    return (await readApprovals(this.#parts, runbook.id)).approvals;
  }

  /** Stores a run for a worker to take. */
  async submit(id: string, options?: RunOptions): Promise<RunHandle> {
    return runHandle(this.#parts, await submit(this.#parts, id, options));
  }

  /**
   * {@link Runseal.submit} inside the host's own transaction: the run and whatever else the transaction holds are there together, or neither is.
   *
   * @param tx - what `stores.transactions.run` gave or its handle, or `ctx.tx` of a transactional verb
   * @throws {@link RunsealError} `run.invalid_option` when it is no open transaction of these stores; what `submit` throws
   */
  async enqueue(tx: unknown, id: string, options?: RunOptions): Promise<RunHandle> {
    return runHandle(this.#parts, await enqueue(this.#parts, tx, id, options));
  }

  /** Runs a runbook here; comes back once its start is durable. */
  async execute(id: string, options?: RunOptions): Promise<RunHandle> {
    return runHandle(this.#parts, await execute(this.#parts, id, options));
  }

  /**
   * Compiles, executes and waits: the simple case.
   *
   * Without an `intent` every call is a new use; with one it is idempotent.
   * @throws {@link RunsealError} `compile.refused` with the reason, `run.not_completed` when the run failed, was canceled or parked
   */
  run<N extends NameOf<C>>(name: N, args: ArgsOf<C, N>, options?: CompileContext & RunOptions): Promise<OutputOf<C, N>> {
    return runToOutput<OutputOf<C, N>>(this.#parts, { name, args }, options ?? {});
  }

  /** The handle of a run that exists. */
  async handle(runId: RunId): Promise<RunHandle> {
    await readRunHead(this.#parts, runId);
    return runHandle(this.#parts, runId);
  }

  /** Goes on with a parked, paused or abandoned run here. A finished run is left as it is. */
  async resume(runId: RunId): Promise<RunHandle> {
    await resume(this.#parts, runId);
    return runHandle(this.#parts, runId);
  }

  /** Claims and resumes, here and once, every run of the scope whose owner is dead or whose time has come. */
  async recover(): Promise<readonly RunHandle[]> {
    return (await recover(this.#parts)).map((runId) => runHandle(this.#parts, runId));
  }

  /** Asks a run to park at its next step boundary. */
  pause(runId: RunId): Promise<void> {
    return pause(this.#parts, runId);
  }

  /** Asks a run to end. */
  cancel(runId: RunId, reason = "requested"): Promise<void> {
    return cancel(this.#parts, runId, reason);
  }

  /** Puts a signal into a run's inbox; whoever drives the run, now or later, reads it. */
  signal(runId: RunId, key: string, payload: unknown): Promise<void> {
    return signal(this.#parts, runId, key, payload);
  }

  /** Records a person's decision on a step that waits for one. */
  decide(runId: RunId, stepId: StepId, request: DecisionRequest): Promise<void> {
    return decide(this.#parts, runId, stepId, request);
  }

  /** Steps of open runs of which nobody knows whether their effect happened: a person must look, and say. */
  doubts(): Promise<readonly Doubt[]> {
    return doubts(this.#parts);
  }

  /** Settles a step in doubt: its effect happened, did not happen and is tried again, or has failed for good. */
  resolveDoubt(runId: RunId, stepId: StepId, resolution: DoubtResolution): Promise<void> {
    return resolveDoubt(this.#parts, runId, stepId, resolution);
  }

  /** A new runbook of the same plan, which begins with the results of a run up to a step. */
  fork(runId: RunId, options: ForkOptions): Promise<NewPlan> {
    return fork(this.#parts, runId, options);
  }

  /** A new runbook that takes the place of a parked run: the plan of `newId` with what the run has done. */
  amend(runId: RunId, newId: string, options?: AmendOptions): Promise<NewPlan> {
    return amend(this.#parts, runId, newId, options);
  }

  /** A new runbook that undoes what a run has written, the last effect first. */
  undoPlan(runId: RunId, options?: UndoOptions): Promise<UndoPlan> {
    return undoPlan(this.#parts, runId, options);
  }

  /** Where a run stands: a fold over its log. */
  status(runId: RunId): Promise<RunView> {
    return statusOf(this.#parts, runId);
  }

  /** A run's log, in order. */
  history(runId: RunId): AsyncIterable<AnyEvent> {
    return historyOf(this.#parts, runId);
  }

  /**
   * Runs of the scope, newest first: at most `limit` (default 100), those after run `after` where there are more.
   *
   * @throws {@link RunsealError} `run.invalid_option` naming the member of the filter that can't be right
   */
  async list(filter?: ListFilter): Promise<readonly RunSummary[]> {
    return listRuns(this.#parts, filter);
  }

  /** Open runs and approved runbooks that this catalog and these handlers can't finish, and why: for before a deployment. */
  check(): Promise<readonly Unfinishable[]> {
    return check(this.#parts);
  }

  /** Checks a run: chain, digests, runbook, approvals, artifacts, declared writes, and a head that was kept elsewhere. */
  verify(runId: RunId, options?: VerifyOptions): Promise<RunVerdict> {
    return verify(this.#parts, runId, options);
  }

  /**
   * Everything that is kept of a run as one JSONL text: runbook, approvals, events, artifacts, inbox. `verifyBundle` checks it with
   * no database. The same log gives the same bytes.
   *
   * @throws {@link RunsealError} `run.not_found`; `store.corrupt` where something is damaged: `verify` says what
   */
  export(runId: RunId): Promise<string> {
    return exportRun(this.#parts, runId);
  }

  /** `export` line by line, each with its line feed: for runs whose artifacts are too large for one text. */
  exportLines(runId: RunId): AsyncIterable<string> {
    return exportLines(this.#parts, runId);
  }

  /** Does a run again from its record, without writing anything or calling a handler that writes, and says in what it differs. */
  replay(runId: RunId, options?: ReplayOptions): Promise<ReplayReport> {
    return replay(this.#parts, runId, options);
  }

  /** The end of a run's chain, or of all chains of the scope: keep it elsewhere to notice a shortened log. */
  head(runId?: RunId): Promise<Head> {
    return headOf(this.#parts, runId);
  }

  /** The same instance for another tenant; cheap, shares everything. */
  withScope(scope: Scope): Runseal<C> {
    assertOutsideStep("withScope");
    return new RunsealInstance<C>({ ...this.#parts, scope: scopeOf(scope) });
  }

  /** Runs host code under the locks that runs take. */
  withLocks<T>(entities: readonly LockedEntity[], work: (held: { readonly lost: AbortSignal }) => Promise<T>): Promise<T> {
    return withLocks(this.#parts, entities, work);
  }

  /**
   * The locks of the scope that are held now, with run, runbook and process of each: by runs, and by {@link withLocks}, whose run id begins
   * with `host-`. On PostgreSQL `postgresLocks` also frees those of a process that hangs.
   *
   * @throws {@link RunsealError} `instance.misconfigured` when the stores' lock manager can't list
   */
  locks(): Promise<readonly HeldLock[]> {
    return listHeldLocks(this.#parts);
  }

  /** What became of the events for each observer of this process: told, failed, dropped, waiting. */
  observers(): readonly ObserverCounts[] {
    return this.#parts.observers.counts();
  }

  /** What the stores of this process have done since they were made; `undefined` where they count nothing. */
  metrics(): StoreMetrics | undefined {
    return this.#parts.stores.metrics?.();
  }

  /**
   * Stops the instance's workers, lets runs reach their next boundary for at most `drainMs` (default 10 000), stops the rest, tells
   * observers what they have not heard in the same time, and closes the stores. Another process, or this one later, goes on with them.
   */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    const { active, engine, observers, stores } = this.#parts;
    const late = new AbortController();
    const timer = engine.env.schedule(options.drainMs ?? 10_000, () => {
      void active.abandon();
      observers.stop();
      late.abort();
    });
    const isLate = new Promise((resolve) => late.signal.addEventListener("abort", resolve, { once: true }));
    await Promise.race([active.stopTakers(), isLate]);
    await active.drain();
    await observers.drain();
    timer.cancel();
    observers.stop();
    await stores.close();
  }

  /** {@link close} with its defaults, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
