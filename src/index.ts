export { createCatalog } from "./catalog/create-catalog.js";
export { decimal } from "./catalog/decimal.js";
export { defineMacro } from "./catalog/define-macro.js";
export { defineVerb } from "./catalog/define-verb.js";
export { definePack } from "./catalog/define-pack.js";
export { describeSchema } from "./catalog/describe-schema.js";
export { instant } from "./catalog/instant.js";
export { opaque } from "./catalog/opaque.js";
export { plain } from "./catalog/plain.js";
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
export type { StepContext } from "./model/step-context.js";
export type { Effect, Mode, Recovery, RetryPolicy, VerbContract } from "./model/verb.js";
export { RunsealError, isRunsealError } from "./errors/error.js";
export type { ErrorCode, ErrorDetails } from "./errors/error.js";
export type { JsonObject, JsonValue } from "./json/value.js";
export { memoryStores } from "./stores/memory/memory-stores.js";
export type { MemoryStores, MemoryStoresOptions } from "./stores/memory/memory-stores.js";
export type { ArtifactStore } from "./stores/artifact-store.js";
export type {
  CommitAnswer,
  EventReader,
  EventStore,
  ProjectionAdmin,
  RunFilter,
  RunIndex,
  StreamWrite,
} from "./stores/event-store.js";
export type { Inbox, InboxEntry, InboxKind, PutAnswer } from "./stores/inbox.js";
export type { LeaseStore } from "./stores/lease-store.js";
export type { HeldLocks, LockHolder, LockManager, LockOwner, LockRequest } from "./stores/lock-manager.js";
export type { RunbookStore } from "./stores/runbook-store.js";
export type { Stores } from "./stores/stores.js";
export { toposort } from "./compile/toposort.js";
export type { Cyclic, Edge, Sorted } from "./compile/toposort.js";
