/** The server's processes behind the connections of one pool: what they notify of, this process knows already. */
export class OwnPids {
  readonly #pids = new Set<number>();
  readonly #seen = new WeakSet();

  /** Notes a connection, until it ends: its number is given out again. One that does not tell its number is left out. */
  note(client: object): void {
    if (this.#seen.has(client)) return;
    this.#seen.add(client);
    const pid: unknown = Reflect.get(client, "processID");
    const once: unknown = Reflect.get(client, "once");
    if (typeof pid !== "number" || typeof once !== "function") return;
    this.#pids.add(pid);
    Reflect.apply(once, client, ["end", () => this.#pids.delete(pid)]);
  }

  has(pid: number): boolean {
    return this.#pids.has(pid);
  }
}
