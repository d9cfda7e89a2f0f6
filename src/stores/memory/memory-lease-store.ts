import type { Scope, StreamName } from "../../model/ids.js";
import type { Handle } from "../handle.js";
import type { LeaseStore } from "../lease-store.js";
import type { MemoryBacking } from "./backing.js";

/** Leases in memory. */
export class MemoryLeaseStore implements LeaseStore {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async renew(
    scope: Scope,
    stream: StreamName,
    lease: { readonly owner: string; readonly epoch: number; readonly leaseMs: number },
  ): Promise<boolean> {
    this.#handle.use("leases.renew");
    while (this.#backing.gate.isInWay(this.#handle, "leases.renew", "write"))
      await this.#backing.ended(this.#handle, "leases.renew");
    const record = this.#backing.stream(scope, stream);
    if (record?.head.owner !== lease.owner || record.head.epoch !== lease.epoch) return false;
    record.head = Object.freeze({ ...record.head, leaseUntil: this.#backing.clock.now() + lease.leaseMs });
    return true;
  }

  async now(): Promise<number> {
    this.#handle.use("leases.now");
    return this.#backing.clock.now();
  }
}
