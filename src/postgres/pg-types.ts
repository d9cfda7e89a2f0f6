/** What of a pool of the package `pg` this package uses; any pool of that shape will do. */
export interface PgPool {
  connect(): Promise<PgClient>;
  readonly options: object;
}

/** A connection of {@link PgPool} while it is in somebody's hands. */
export interface PgClient {
  /** Of the server's process, once it is connected. */
  readonly processID?: number | null;
  query(query: PgQuery): Promise<PgResult>;
  on(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
  /** `true` or an error: the connection is closed instead of given back. */
  release(destroy?: boolean | Error): void;
}

/** A statement as `pg` takes it; one with a name is prepared once per connection. */
export interface PgQuery {
  readonly name?: string;
  readonly text: string;
  readonly values?: unknown[];
  /** `extended`: as a statement with values goes, which can be only one. */
  readonly queryMode?: string;
}

/** What a statement gave. */
export interface PgResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number | null;
}
