import { randomUUID } from "node:crypto";
import { Pool } from "pg";
import type { PoolConfig } from "pg";
import type { LockOwner, LockRequest } from "../../src/stores/lock-manager.js";
import { Database } from "../../src/postgres/database.js";
import { migrateSchema } from "../../src/postgres/migrate.js";
import { Notifications } from "../../src/postgres/notifications.js";
import { PostgresLockManager } from "../../src/postgres/postgres-lock-manager.js";
import { schemaName } from "../../src/postgres/schema-name.js";
import { Session } from "../../src/postgres/session.js";
import { lockKeyOf } from "../../src/history/lock-requests.js";
import { Listeners } from "../../src/stores/listeners.js";

/** What of a process has to do with locks: a pool, a session, and what stands on them. */
export class LockProcess {
  readonly pool: Pool;
  readonly database: Database;
  readonly session: Session;
  readonly changed = new Listeners();
  readonly notifications: Notifications;
  readonly locks: PostgresLockManager;
  readonly owner: string;

  constructor(config: PoolConfig, options: LockProcessOptions) {
    this.owner = options.owner ?? `test/${randomUUID()}`;
    this.pool = new Pool({ max: 4, ...config });
    this.pool.on("error", () => undefined);
    const schema = schemaName(options.schema);
    this.database = new Database({ pool: this.pool, schema, busyMs: 5_000, statementMs: 5_000, prepare: migrateSchema });
    const { busyMs = 5_000, statementMs = 5_000, stripedAbove } = options;
    this.session = new Session({ config: options.session ?? this.pool.options, owner: this.owner, busyMs, statementMs });
    const { session, database, changed } = this;
    const { origin } = database;
    this.notifications = new Notifications({ session, channel: schema.channel, changed, origin });
    const { notifications } = this;
    this.locks = new PostgresLockManager({
      session,
      database,
      notifications,
      ...(stripedAbove === undefined ? {} : { stripedAbove }),
    });
  }

  /** On behalf of whom a run of this process locks. */
  ownerOf(run: string, scope = "default"): LockOwner {
    return { scope, runId: run, runbookId: `rb_${run}`, holder: this.owner };
  }

  async close(): Promise<void> {
    this.locks.close();
    this.notifications.close();
    await this.session.close();
    this.database.handle.close();
    await this.pool.end();
  }
}

/** How a {@link LockProcess} differs from the usual. */
export interface LockProcessOptions {
  readonly schema: string;
  readonly owner?: string;
  /** Another way to connect for the session. */
  readonly session?: object;
  readonly busyMs?: number;
  readonly statementMs?: number;
  readonly stripedAbove?: number;
}

/** Requests for accounts as the engine makes them: sorted by key. */
export function accounts(names: readonly string[], access: "read" | "write" = "write"): readonly LockRequest[] {
  return names
    .map((id) => ({ key: lockKeyOf("default", { kind: "account", id }), kind: "account", id, access }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
