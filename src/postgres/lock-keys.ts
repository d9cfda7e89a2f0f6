import type { Access } from "../model/schema-description.js";
import type { Scope } from "../model/ids.js";
import type { LockRequest } from "../stores/lock-manager.js";
import type { SchemaName } from "./schema-name.js";
import { canonicalize } from "../json/canonical.js";
import { sha256Hex } from "../json/digest.js";

/** Into how many stripes the entities of a scope fall. */
const STRIPES = 256;

/** A lock to ask PostgreSQL for. */
export interface AdvisoryLock {
  /** Signed 64-bit integer in decimal. */
  readonly lock: string;
  readonly isShared: boolean;
  /** The first entity that it stands for. */
  readonly request: LockRequest;
}

/** What a request becomes in PostgreSQL. */
export interface AdvisoryRequest {
  readonly isStriped: boolean;
  /** In the order in which everybody asks. */
  readonly locks: readonly AdvisoryLock[];
}

/**
 * From the keys of the port to those of PostgreSQL's advisory locks, which all schemas of a database share.
 *
 * A key is the port's 16 hex digits (decision 3.5) as a signed 64-bit integer, mixed by exclusive or with the first 8 bytes of SHA-256
 * over canonical `["runseal/locks", schema]`: two schemas never wait for each other, and within one nothing collides that did not before.
 *
 * Up to a cap, an entity's own lock is taken, and that of its stripe shared; above it the locks of the stripes alone, exclusively. So a
 * request above the cap takes at most 256 locks and keeps out, and is kept out by, everybody who touches one of its stripes.
 */
export class LockKeys {
  readonly #salt: bigint;
  readonly #schema: string;
  readonly #stripedAbove: number;
  readonly #bases = new Map<Scope, bigint>();
  /** Held shared by sessions in which somebody waits. */
  readonly waiting: string;

  constructor(schema: SchemaName, stripedAbove: number) {
    this.#schema = schema.name;
    this.#stripedAbove = stripedAbove;
    this.#salt = firstBytes(["runseal/locks", schema.name]);
    this.waiting = signed(firstBytes(["runseal/waiting", schema.name]));
  }

  /** The lock of an entity. */
  lockOf(key: string): string {
    return signed(BigInt(`0x${key}`) ^ this.#salt);
  }

  /** The lock of the stripe of a scope in which an entity lies. */
  stripeOf(scope: Scope, key: string): string {
    let base = this.#bases.get(scope);
    if (base === undefined) {
      base = firstBytes(["runseal/stripes", this.#schema, scope]);
      this.#bases.set(scope, base);
    }
    return signed(base ^ BigInt(Number.parseInt(key.slice(-4), 16) % STRIPES));
  }

  /** The locks that a request needs, each once, sorted. Cost: n log n. */
  of(scope: Scope, requests: readonly LockRequest[]): AdvisoryRequest {
    const isStriped = requests.length > this.#stripedAbove;
    const locks = new Map<string, AdvisoryLock>();
    for (const request of requests) {
      const stripe = this.stripeOf(scope, request.key);
      if (!locks.has(stripe)) locks.set(stripe, { lock: stripe, isShared: !isStriped, request });
    }
    for (const request of isStriped ? [] : requests) {
      const lock = this.lockOf(request.key);
      locks.set(lock, { lock, isShared: request.access === "read", request });
    }
    return { isStriped, locks: [...locks.values()].sort((a, b) => (BigInt(a.lock) < BigInt(b.lock) ? -1 : 1)) };
  }
}

/** What a lock lets others do, in the port's words. */
export function accessOf({ isShared }: AdvisoryLock): Access {
  return isShared ? "read" : "write";
}

function firstBytes(of: readonly string[]): bigint {
  return BigInt(`0x${sha256Hex(canonicalize(of)).slice(0, 16)}`);
}

function signed(key: bigint): string {
  return BigInt.asIntN(64, key).toString();
}
