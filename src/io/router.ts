import type { JsonValue } from "../json/value.js";
import type { Transport, TransportCall, TransportEnv, TransportFactory, TransportGroups } from "./transport.js";
import { RunsealError } from "../errors/error.js";

const GROUP = /^[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){0,7}$/;

/** Finds the transport of a namespace; one per instance. */
export interface Router {
  /** The transports of one attempt: each is made at its first call and lives as long as the attempt. */
  open(env: TransportEnv): OpenRouter;
}

/** The transports of one attempt. */
export interface OpenRouter {
  /**
   * Sends a request to the transport with the longest group that is the namespace or a prefix of it ending at a dot.
   *
   * @throws {@link RunsealError} `io.unknown_namespace` when no group fits; the request is not repeated
   */
  call(request: JsonValue, at: TransportCall): Promise<JsonValue>;
}

/**
 * Makes the router of an instance (D-085).
 *
 * @param groups - read once; a factory added later is not seen
 * @throws {@link RunsealError} `instance.misconfigured` for a group that is empty or is not lower-case names joined by dots, two
 *   spellings of one group, or a factory that is no function
 */
export function transportRouter(
  groups: TransportGroups | readonly (readonly [group: string, factory: TransportFactory])[],
): Router {
  const factories = new Map<string, TransportFactory>();
  const entries: readonly (readonly [string, TransportFactory])[] = isPairs(groups) ? groups : Object.entries(groups);
  for (const [group, factory] of entries) {
    if (typeof group !== "string" || !GROUP.test(group))
      throw misconfigured(`${quoted(group)} is no namespace group; write lower-case names joined by dots`);
    if (factories.has(group)) throw misconfigured(`the namespace group "${group}" is given twice`);
    if (typeof factory !== "function") throw misconfigured(`the transport of "${group}" is no function; give a factory`);
    factories.set(group, factory);
  }
  return { open: (env) => openRouter(factories, env) };
}

function openRouter(factories: ReadonlyMap<string, TransportFactory>, env: TransportEnv): OpenRouter {
  const open = new Map<string, Transport>();
  return {
    async call(request, at) {
      const group = groupOf(factories, at.namespace);
      const factory = group === undefined ? undefined : factories.get(group);
      if (group === undefined || factory === undefined) throw unknownNamespace(at.namespace);
      const transport = open.get(group) ?? factory(env);
      open.set(group, transport);
      return transport.call(request, at);
    },
  };
}

/** Cuts names off the end until a group is found: O(dots), whatever the number of groups. */
function groupOf(factories: ReadonlyMap<string, TransportFactory>, namespace: unknown): string | undefined {
  if (typeof namespace !== "string" || !GROUP.test(namespace)) return undefined;
  let rest = namespace;
  while (!factories.has(rest)) {
    const dot = rest.lastIndexOf(".");
    if (dot < 0) return undefined;
    rest = rest.slice(0, dot);
  }
  return rest;
}

function isPairs(groups: object): groups is readonly (readonly [string, TransportFactory])[] {
  return Array.isArray(groups);
}

function unknownNamespace(namespace: unknown): RunsealError<"io.unknown_namespace"> {
  const shown = typeof namespace === "string" && GROUP.test(namespace) ? namespace : null;
  const message = `no transport answers ${shown === null ? "such a namespace" : `"${shown}"`}; give one in the option "io"`;
  return new RunsealError("io.unknown_namespace", message, { namespace: shown });
}

function quoted(group: unknown): string {
  return typeof group === "string" ? JSON.stringify(group.slice(0, 80)) : `a ${typeof group}`;
}

function misconfigured(message: string): RunsealError<"instance.misconfigured"> {
  return new RunsealError("instance.misconfigured", message, { option: "io" });
}
