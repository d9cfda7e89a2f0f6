/** Remembers how to take back what a transaction did, so that a refusal leaves nothing behind. */
export class UndoLog {
  readonly #undo: (() => void)[] = [];

  /** Sets a map's entry. */
  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const had = map.has(key);
    const before = map.get(key);
    this.#undo.push(() => {
      if (had) map.set(key, before as V);
      else map.delete(key);
    });
    map.set(key, value);
  }

  /** Removes a map's entry. */
  delete<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key);
    if (!map.delete(key)) return;
    this.#undo.push(() => map.set(key, before as V));
  }

  /** Adds to a set. */
  add<V>(set: Set<V>, value: V): void {
    if (set.has(value)) return;
    set.add(value);
    this.#undo.push(() => set.delete(value));
  }

  /** Does something that `undo` takes back. */
  do(act: () => void, undo: () => void): void {
    act();
    this.#undo.push(undo);
  }

  /** Takes over what another log can take back, as done after everything here. */
  absorb(other: UndoLog): void {
    this.#undo.push(...other.#undo.splice(0));
  }

  /** Takes everything back, last first. */
  rollBack(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo.length = 0;
  }
}
