const SCANNED_MAX = 32;

/**
 * The containers that a walk is inside of, innermost last, to find cycles.
 *
 * Real values are a few levels deep, where comparing each level beats hashing; beyond 32 levels a set takes over, so that a
 * value 100,000 levels deep stays linear.
 */
export class OpenContainers {
  readonly #containers: object[] = [];
  #deep: Set<object> | undefined;

  /** Tells whether the walk is inside `container`. */
  has(container: object): boolean {
    const scanned = Math.min(this.#containers.length, SCANNED_MAX);
    for (let level = 0; level < scanned; level += 1) {
      if (this.#containers[level] === container) return true;
    }
    return this.#deep?.has(container) === true;
  }

  /** Goes inside `container`. */
  push(container: object): void {
    if (this.#containers.length >= SCANNED_MAX) (this.#deep ??= new Set()).add(container);
    this.#containers.push(container);
  }

  /** Leaves the innermost container. */
  pop(): void {
    const left = this.#containers.pop();
    if (left !== undefined && this.#containers.length >= SCANNED_MAX) this.#deep?.delete(left);
  }
}
