/** What a worker process is told, as JSON in its first argument. */
export interface WorkerConfig {
  /** Names the process in journals and in what it does to the world. */
  readonly name: string;
  /** Where its journal goes. */
  readonly folder: string;
  /** Where its store is: through a proxy, or not. */
  readonly url: string;
  readonly schema: string;
  /** Where the world is. */
  readonly worldUrl: string;
  readonly leaseMs: number;
}
