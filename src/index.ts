export { createCatalog } from "./catalog/create-catalog.js";
export { decimal } from "./catalog/decimal.js";
export { defineMacro } from "./catalog/define-macro.js";
export { defineVerb } from "./catalog/define-verb.js";
export { definePack } from "./catalog/define-pack.js";
export { describeSchema } from "./catalog/describe-schema.js";
export { instant } from "./catalog/instant.js";
export { opaque } from "./catalog/opaque.js";
export { plain } from "./catalog/plain.js";
export { secret } from "./catalog/secret.js";
export { subject } from "./catalog/subject.js";
export type { Catalog, CatalogParts, ArgsOf, MacrosOf, NameOf, OutputOf, VerbsOf } from "./catalog/catalog.js";
export type { Body, Expected, ForEach, ReadVerb, StepOptions } from "./catalog/body.js";
export type { PackFields } from "./catalog/define-pack.js";
export type { MacroFields, MacroOutput } from "./catalog/define-macro.js";
export type { Arg, EntityId, Expr, Out, Output, OutputOfBody, OutputValue, Phase, Ref, Sym } from "./catalog/expr.js";
export type { HandlerKeyOf, HandlerOf, Handlers } from "./catalog/handlers.js";
export type { Macro } from "./catalog/macro.js";
export type { Handler, HandlerFunction, Reconciled, Verb } from "./catalog/verb.js";
export type { EffectFields, Inverse, VerbFields } from "./catalog/verb-fields.js";
export type { Access, OpaqueCheck, SchemaDescription, SchemaShape } from "./model/schema-description.js";
export type { Effect, Mode, Recovery, RetryPolicy, VerbContract } from "./model/verb.js";
export { RunsealError, isRunsealError } from "./errors/error.js";
export type { ErrorCode, ErrorDetails } from "./errors/error.js";
export type { JsonObject, JsonValue } from "./json/value.js";

export type { ContextSchema, DomainEvent, StepContext } from "./model/step-context.js";
export type { EventProfile } from "./model/event-profile.js";
export type { ChildEnd } from "./model/child-end.js";
export type { Park, ParkOptions } from "./model/park.js";
export type { IoCall, IoResult } from "./model/io-call.js";

export { dropPayloads } from "./stores/drop-payloads.js";
export type { PayloadRange } from "./stores/drop-payloads.js";
export type { Retention } from "./stores/retention.js";
export { memoryStores } from "./stores/memory/memory-stores.js";
export type { MemoryStores, MemoryStoresOptions } from "./stores/memory/memory-stores.js";
export type { MemoryTransaction } from "./stores/memory/memory-transaction.js";
export type { StoreMetrics } from "./stores/counters.js";
export type { Stores } from "./stores/stores.js";
export type { StoreTransaction, Transactions } from "./stores/transactions.js";
export type { RegisteredWorker, WorkerRecord, WorkerRegistry } from "./stores/worker-registry.js";
export type { ArtifactStore } from "./stores/artifact-store.js";
export type {
  ArtifactWrite,
  CommitAnswer,
  DueQuery,
  EventReader,
  EventStore,
  LeaseClaim,
  ProjectionAdmin,
  RunFilter,
  RunIndex,
  RunLimit,
  StreamWrite,
  WorkQuery,
} from "./stores/event-store.js";
export type { Inbox, InboxEntry, InboxKind, PutAnswer } from "./stores/inbox.js";
export type { LeaseStore } from "./stores/lease-store.js";
export type { HeldLock, HeldLocks, LockHolder, LockManager, LockOwner, LockRequest } from "./stores/lock-manager.js";
export type { RunbookStore } from "./stores/runbook-store.js";

export { execTransport } from "./io/exec-transport.js";
export type { ExecTransportOptions, ProgramResolver } from "./io/exec-transport.js";
export type { ExecRequest } from "./io/exec-request.js";
export { httpTransport } from "./io/http-transport.js";
export type { BodyForm, HttpRequest } from "./io/http-request.js";
export type { HttpTransportOptions } from "./io/http-rules.js";
export type { Transport, TransportCall, TransportEnv, TransportFactory, TransportGroups } from "./io/transport.js";
export { secretRef } from "./secrets/reference.js";
export type { SecretSource } from "./io/secret-broker.js";
export type { SecretKey } from "./io/secret-box.js";
export type { SecretReference } from "./secrets/reference.js";

export { createRunseal } from "./instance/runseal.js";
export type { Runseal } from "./instance/runseal.js";
export type { BuildOptions } from "./instance/build.js";
export type { RunsealOptions, UnlockedToken } from "./instance/options.js";
export { allowAll, allowVerbs } from "./instance/policy.js";
export { approvalPolicy } from "./instance/approval-policy.js";
export type { ApprovalPolicyOptions } from "./instance/approval-policy.js";
export { approvalMessage } from "./instance/approve.js";
export type { ApproveRequest } from "./instance/approve.js";
export type { Authenticate, Identification } from "./instance/principal.js";
export type { DecisionRequest } from "./instance/messages.js";
export type { AmendOptions } from "./instance/amend.js";
export type { ForkOptions } from "./instance/fork.js";
export type { NewPlan } from "./instance/new-plan.js";
export type { NotCarried, NotCarriedReason } from "./compile/carry.js";
export type { Basis, BasisStep } from "./model/envelope.js";
export type { UndoOptions, UndoPlan } from "./instance/undo-plan.js";
export type { NotUndone, NotUndoneReason } from "./review/undo.js";
export type { Unfinishable } from "./instance/check.js";
export type { ContractProblem } from "./instance/contract-problems.js";
export type { ContractChange } from "./review/contract-changes.js";
export type { Doubt } from "./instance/doubts.js";
export type { DoubtOutcome, DoubtResolution } from "./instance/resolve-doubt.js";
export type { DryRun } from "./instance/dry-run.js";
export type { Head, RunSummary } from "./instance/inspect.js";
export type { ListFilter } from "./instance/list-filter.js";
export type { LockedEntity } from "./instance/with-locks.js";
export type { Observer, ObserverCounts } from "./instance/observers.js";
export type { RunHandle } from "./instance/run-handle.js";
export type { RunOptions } from "./instance/run-options.js";
export { createWorker } from "./worker/worker.js";
export type { Worker } from "./worker/worker.js";
export type { WorkerOptions } from "./worker/worker-options.js";
export type { QueueOptions, RateOptions } from "./worker/queue-options.js";

export { toposort } from "./compile/toposort.js";
export type { Cyclic, Edge, Sorted } from "./compile/toposort.js";
export { canonicalize } from "./json/canonical.js";
export { canonicalizeJcs } from "./json/canonical-jcs.js";
export { digestOf } from "./json/digest.js";
export { runbookUuid } from "./model/runbook-uuid.js";
export { systemClock } from "./time/clock.js";
export type { Clock, Scheduled } from "./time/clock.js";

export type { Approval, ApprovalState, Principal } from "./model/approval.js";
export type { ApprovalPolicy } from "./model/approval-policy.js";
export type { AllowSet, CompileContext, ExecutionOptions, Invocation, Requester } from "./model/invocation.js";
export type {
  ActiveConstraint,
  Clarification,
  CompilationError,
  CompilationErrorKind,
  Compiled,
  CompileOutcome,
  CompileRefusal,
  ConstraintViolation,
  MissingField,
  Pass,
  Remediation,
} from "./model/outcome.js";
export type { AnyEvent, EventKind, EventPayload, RunEvent } from "./model/event.js";
export type { Diagnostic } from "./model/diagnostic.js";
export type { Failure, FailureCategory } from "./model/failure.js";
export type { Limits } from "./model/limits.js";
export type { Pack } from "./model/pack.js";
export type { Policy, PolicyRequest } from "./model/policy.js";
export type { Conflict } from "./review/conflicts.js";
export type { ChangedStep, RunbookDiff } from "./review/runbook-diff.js";
export { verifyBundle } from "./history/verify-bundle.js";
export type { BundleProblem, BundleVerdict, VerifyBundleOptions } from "./history/verify-bundle.js";
export type { RunProblem } from "./history/run-problem.js";
export type { Damage, RunVerdict, UnknownEvent } from "./history/verify-run.js";
export type { ReplayOptions } from "./instance/replay.js";
export type { Divergence, DivergenceKind, ReplayMode, ReplayReport } from "./model/replay-report.js";
export type { KeptHead, VerifyOptions } from "./instance/verify.js";
export type { Preview, PreviewStep } from "./model/preview.js";
export type { Runbook, RunbookContent, RunbookDocument } from "./model/runbook.js";
export type { ParkReason, RunResult, RunStatus, RunView, StepState } from "./model/run.js";
export type { SealedStep } from "./model/step.js";
