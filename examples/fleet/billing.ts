import type pg from "pg";

const TABLES = `
  CREATE SCHEMA IF NOT EXISTS billing;
  CREATE TABLE IF NOT EXISTS billing.bill (number text PRIMARY KEY, customer text NOT NULL, cents integer NOT NULL);
  CREATE TABLE IF NOT EXISTS billing.payment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, reference text NOT NULL, customer text NOT NULL, cents integer NOT NULL
  );
  CREATE TABLE IF NOT EXISTS billing.letter (number text PRIMARY KEY, customer text NOT NULL);
`;

/** What the operation acts on: bills, a bank, letters. The bank takes every order that it is given, also the same one twice. */
export class Billing {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async createTables(): Promise<void> {
    await this.#pool.query(TABLES);
  }

  /** Writes a bill; the same one again changes nothing. */
  async write(number: string, customer: string, cents: number): Promise<void> {
    await this.#pool.query("INSERT INTO billing.bill VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [number, customer, cents]);
  }

  async pay(reference: string, customer: string, cents: number): Promise<string> {
    const { rows } = await this.#pool.query<{ id: string }>(
      "INSERT INTO billing.payment (reference, customer, cents) VALUES ($1, $2, $3) RETURNING id",
      [reference, customer, cents],
    );
    return `P-${rows[0]?.id ?? ""}`;
  }

  /** The payment under a reference, if there is one. */
  async find(reference: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ id: string }>("SELECT id FROM billing.payment WHERE reference = $1", [reference]);
    return rows[0] === undefined ? undefined : `P-${rows[0].id}`;
  }

  async mail(number: string, customer: string): Promise<void> {
    await this.#pool.query("INSERT INTO billing.letter VALUES ($1, $2) ON CONFLICT DO NOTHING", [number, customer]);
  }

  /** Payments of each customer. */
  async payments(): Promise<readonly { readonly customer: string; readonly payments: number; readonly cents: number }[]> {
    const { rows } = await this.#pool.query<{ customer: string; payments: number; cents: number }>(
      "SELECT customer, count(*)::integer AS payments, sum(cents)::integer AS cents FROM billing.payment GROUP BY customer ORDER BY customer",
    );
    return rows;
  }
}
