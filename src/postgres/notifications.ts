import type { Listeners } from "../stores/listeners.js";
import type { StoreChange } from "../stores/store-change.js";
import type { Scheduled } from "../time/clock.js";
import type { OpenSession, Session } from "./session.js";
import { isRunsealError } from "../errors/error.js";
import { systemClock } from "../time/clock.js";

/** First and largest delay before the session is opened again, milliseconds. */
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 5_000;

/** What is said when locks were given back; everything else tells of a stream. */
const LOCKS = "locks";

/** What a {@link Notifications} is made with. */
export interface NotificationOptions {
  readonly session: Session;
  /** Name of the channel, needing no quotes. */
  readonly channel: string;
  readonly changed: Listeners;
  /** What these stores say of themselves in notifications, as {@link changePayload} has it. */
  readonly origin: string;
}

/**
 * Tells the watchers of this process what other processes changed, over LISTEN. Only a hint: what was said while nobody listened is made
 * up for by telling, after each reconnect, that anything may have changed.
 */
export class Notifications {
  readonly #options: NotificationOptions;
  #isWanted = false;
  #isClosed = false;
  #hasListened = false;
  #listening: OpenSession | undefined;
  #timer: Scheduled | undefined;
  #tries = 0;

  /** Called when locks were given back elsewhere, and when that may have gone unheard. */
  onLocks: () => void = () => undefined;

  constructor(options: NotificationOptions) {
    this.#options = options;
    options.session.onNotified((channel, payload, pid) => this.#hear(channel, payload, pid));
    options.session.onLost(() => {
      if (this.#listening !== undefined) this.#again();
    });
  }

  /** Whether the server tells this process now. */
  get isListening(): boolean {
    return this.#listening?.isOver === false;
  }

  /** Begins to listen, once, and goes on until {@link close}. Does not wait. */
  start(): void {
    if (this.#isWanted || this.#isClosed) return;
    this.#isWanted = true;
    void this.#listen();
  }

  /** Hears nothing any more; the session is somebody else's to close. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #listen(): Promise<void> {
    const { session, channel, changed } = this.#options;
    try {
      const open = await session.open("stores.watch");
      await open.query(`LISTEN ${channel}`, []);
      if (this.#isClosed) return;
      this.#listening = open;
      this.#tries = 0;
    } catch (error) {
      this.#again(isRunsealError(error, "lock.pooler_unsupported") ? RETRY_MAX_MS : 0);
      return;
    }
    if (this.#hasListened) changed.notify();
    this.#hasListened = true;
    this.onLocks();
  }

  #again(msMin = 0): void {
    this.#listening = undefined;
    if (this.#isClosed) return;
    this.#timer?.cancel();
    const ms = Math.max(msMin, Math.random() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** this.#tries));
    this.#tries += 1;
    this.#timer = systemClock.schedule(ms, () => void this.#listen());
  }

  #hear(channel: string, payload: string, pid: number): void {
    const { origin, session, changed } = this.#options;
    if (channel !== this.#options.channel || pid === session.pid) return;
    if (payload === LOCKS) {
      this.onLocks();
      return;
    }
    const said = told(payload);
    if (said?.origin !== origin) changed.notify(said?.change);
  }
}

/** The change that a notification tells of, and who made it; `undefined` when it does not say. */
function told(payload: string): { readonly change: StoreChange; readonly origin: unknown } | undefined {
  try {
    const said: unknown = JSON.parse(payload);
    if (typeof said !== "object" || said === null) return undefined;
    const { s: scope, t: stream, w: what, o: origin } = said as Readonly<Record<string, unknown>>;
    if (typeof scope !== "string" || typeof stream !== "string" || (what !== "commit" && what !== "message")) return undefined;
    return { change: { scope, stream: stream as StoreChange["stream"], what }, origin };
  } catch {
    // too long to be said, or said by somebody else
    return undefined;
  }
}
