import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";

/** A commit of one stream that waits for its answer. */
export interface Commit {
  readonly write: StreamWrite;
  readonly resolve: (answer: CommitAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Statements under way at a time. With one, a commit that just missed it waits for a whole disk write; more would only split the batches. */
const UNDER_WAY_MAX = 2;
/** Commits of one statement, and bytes of payloads and artifacts in it. */
const COMMITS_MAX = 256;
const BYTES_MAX = 8_388_608;

/**
 * Group commit: what is asked for while a statement is under way goes into the next one, so that the runs of a process share the disk's
 * time. A single run never waits for another. A stream is in one statement at a time, in order.
 */
export class CommitQueue {
  readonly #write: (commits: readonly Commit[]) => Promise<void>;
  #waiting: Commit[] = [];
  readonly #busy = new Set<string>();
  #underWay = 0;
  #isWoken = false;

  /** @param write - settles every commit that it is given; does not reject */
  constructor(write: (commits: readonly Commit[]) => Promise<void>) {
    this.#write = write;
  }

  add(write: StreamWrite): Promise<CommitAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      this.#wake();
    });
  }

  /** Looks again when everything that is ready to ask has asked. */
  #wake(): void {
    if (this.#isWoken || this.#underWay >= UNDER_WAY_MAX) return;
    this.#isWoken = true;
    queueMicrotask(() => {
      this.#isWoken = false;
      this.#send();
    });
  }

  #send(): void {
    const batch = this.#take();
    if (batch.length === 0) return;
    this.#underWay += 1;
    void this.#write(batch).finally(() => {
      this.#underWay -= 1;
      for (const { write } of batch) this.#busy.delete(nameOf(write));
      this.#wake();
    });
    if (this.#waiting.length > 0) this.#wake();
  }

  #take(): readonly Commit[] {
    const batch: Commit[] = [];
    const later: Commit[] = [];
    let bytes = 0;
    for (const commit of this.#waiting) {
      const name = nameOf(commit.write);
      const isFull = batch.length >= COMMITS_MAX || bytes >= BYTES_MAX;
      if (isFull || this.#busy.has(name)) {
        later.push(commit);
        continue;
      }
      this.#busy.add(name);
      batch.push(commit);
      bytes += bytesOf(commit.write);
    }
    this.#waiting = later;
    return batch;
  }
}

function nameOf({ scope, stream }: StreamWrite): string {
  return `${scope}\n${stream}`;
}

function bytesOf({ events, artifacts }: StreamWrite): number {
  let bytes = 0;
  for (const event of events) bytes += event.payloadText.length;
  for (const artifact of artifacts) bytes += artifact.bytes.byteLength;
  return bytes;
}
