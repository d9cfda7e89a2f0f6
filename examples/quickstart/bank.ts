import Database from "libsql";

/** One open account. */
export interface OpenAccount {
  readonly id: string;
  readonly balance: string;
}

/** The bank of the example: a real database of its own, in a file of its own. */
export class Bank {
  readonly #db: Database.Database;

  constructor(path: string) {
    this.#db = new Database(path);
    this.#db.exec("PRAGMA busy_timeout = 2000");
    this.#db.exec("PRAGMA journal_mode = wal");
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY, customer TEXT NOT NULL, balance TEXT NOT NULL, state TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS payout (key TEXT PRIMARY KEY, account TEXT NOT NULL, iban TEXT NOT NULL, amount TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS archive (customer TEXT PRIMARY KEY, name TEXT NOT NULL);
    `);
  }

  open(id: string, customer: string, balance: string): void {
    this.#db.prepare("INSERT OR IGNORE INTO account VALUES (?, ?, ?, 'open')").run(id, customer, balance);
  }

  openAccounts(customer: string): OpenAccount[] {
    return this.#db
      .prepare("SELECT id, balance FROM account WHERE customer = ? AND state <> 'closed' ORDER BY id")
      .all(customer) as OpenAccount[];
  }

  freeze(id: string): string {
    this.#db.prepare("UPDATE account SET state = 'frozen' WHERE id = ? AND state = 'open'").run(id);
    return this.#account(id).balance;
  }

  /** Pays out and closes; the same key again pays nothing more and gives the first answer. */
  payOutAndClose(id: string, iban: string, key: string): string {
    this.#db.prepare("INSERT OR IGNORE INTO payout VALUES (?, ?, ?, ?)").run(key, id, iban, this.#account(id).balance);
    this.#db.prepare("UPDATE account SET state = 'closed', balance = '0.00' WHERE id = ?").run(id);
    return (this.#db.prepare("SELECT amount FROM payout WHERE key = ?").get(key) as { amount: string }).amount;
  }

  archive(customer: string): string {
    this.#db.prepare("INSERT OR IGNORE INTO archive VALUES (?, ?)").run(customer, `archive/${customer}`);
    return `archive/${customer}`;
  }

  archivedAs(customer: string): string | undefined {
    return (this.#db.prepare("SELECT name FROM archive WHERE customer = ?").get(customer) as { name: string } | undefined)?.name;
  }

  payouts(): { account: string; amount: string }[] {
    return this.#db.prepare("SELECT account, amount FROM payout ORDER BY account").all() as { account: string; amount: string }[];
  }

  close(): void {
    this.#db.close();
  }

  #account(id: string): { balance: string } {
    return this.#db.prepare("SELECT balance FROM account WHERE id = ?").get(id) as { balance: string };
  }
}
