import { createConnection, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/**
 * What becomes of the bytes that a client sent.
 *
 * `drop_request`: they never reach the server, the connection is cut. `drop_reply`: they reach it, its complete answer is waited
 * for and thrown away, and the connection is cut: the client can't know what happened. `cut`: they reach it, and the connection is
 * cut at once.
 */
export type Verdict = "forward" | "drop_request" | "drop_reply" | "cut";

/** What a PostgreSQL server sends last in every answer: ready for the next query, idle or in a (failed) transaction. */
const READY = ["I", "T", "E"].map((state) => Buffer.from([0x5a, 0, 0, 0, 5, state.charCodeAt(0)]));

/** Starts a proxy in front of a server of the loopback address. */
export async function startTcpProxy(serverPort: number): Promise<TcpProxy> {
  const listener = createServer();
  const proxy = new TcpProxy(listener, serverPort);
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", resolve);
  });
  return proxy;
}

/** Stands between clients and a PostgreSQL server, and does to their connections what networks do. */
export class TcpProxy {
  /**
   * Asked about every chunk that a client sends; replace it for chances of one's own. Small statements come as one chunk, pipelined
   * ones together. Traps are asked first.
   */
  judge: (chunk: Buffer) => Verdict = () => "forward";
  /** How many chunks were treated how. */
  readonly struck: Record<Verdict, number> = { forward: 0, drop_request: 0, drop_reply: 0, cut: 0 };
  readonly #listener: Server;
  readonly #serverPort: number;
  readonly #lines = new Set<Line>();
  readonly #traps = new Set<Trap>();
  #isBlackHole = false;
  #isRefusing = false;
  #cuts = 0;

  constructor(listener: Server, serverPort: number) {
    this.#listener = listener;
    this.#serverPort = serverPort;
    listener.on("connection", (client) => {
      this.#accept(client);
    });
  }

  /** Where clients connect to, on the loopback address. */
  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#lines.size;
  }

  /** Connections that were cut by a verdict, a trap or `cut`. */
  get cuts(): number {
    return this.#cuts;
  }

  /**
   * Waits for bytes from a client that hold a pattern, as text or bytes, for the n-th time (default the first), and treats them as
   * told, once.
   *
   * @returns resolves when it has happened: after `drop_reply`, when the server has answered
   */
  async trap(pattern: string | Uint8Array, verdict: Exclude<Verdict, "forward">, nth = 1): Promise<void> {
    return new Promise((resolve) => {
      this.#traps.add({ pattern: Buffer.from(pattern), verdict, left: nth, done: resolve });
    });
  }

  /** Waits for the n-th chunk of any content from now on. */
  async trapNth(nth: number, verdict: Exclude<Verdict, "forward">): Promise<void> {
    return this.trap("", verdict, nth);
  }

  /** Cuts every connection: by a reset, as after a crash, or by an orderly end. */
  cut(how: "reset" | "end" = "reset"): void {
    for (const line of [...this.#lines]) line.cut(how);
  }

  /** Reads and forwards nothing, while connections stay open and new ones are accepted; off again, all goes on. */
  blackHole(isOn: boolean): void {
    this.#isBlackHole = isOn;
    for (const line of this.#lines) line.hold(isOn);
  }

  /** Resets new connections at once, as a server that is away. */
  refuse(isOn: boolean): void {
    this.#isRefusing = isOn;
  }

  /** Cuts everything and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#listener.close(() => {
        resolve();
      });
    });
    this.cut();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const line = new Line(client, createConnection({ port: this.#serverPort, host: "127.0.0.1" }), {
      judge: (chunk, before) => {
        const sentence = this.#sentence(chunk, before);
        this.struck[sentence.verdict] += 1;
        return sentence;
      },
      cut: () => {
        this.#cuts += 1;
      },
      gone: () => {
        this.#lines.delete(line);
      },
    });
    this.#lines.add(line);
    if (this.#isBlackHole) line.hold(true);
  }

  /** The verdict about a chunk, and whom to tell when it is carried out. */
  #sentence(chunk: Buffer, before: Buffer): Sentence {
    for (const trap of this.#traps) {
      // a pattern may begin in the chunk before; what lies wholly there was seen already
      const kept = trap.pattern.length > 1 ? before.subarray(-(trap.pattern.length - 1)) : Buffer.alloc(0);
      if (!Buffer.concat([kept, chunk]).includes(trap.pattern)) continue;
      trap.left -= 1;
      if (trap.left > 0) continue;
      this.#traps.delete(trap);
      return trap;
    }
    return { verdict: this.judge(chunk), done: () => undefined };
  }
}

interface Sentence {
  readonly verdict: Verdict;
  readonly done: () => void;
}

interface Trap extends Sentence {
  readonly pattern: Buffer;
  left: number;
}

interface LineOwner {
  readonly judge: (chunk: Buffer, before: Buffer) => Sentence;
  readonly cut: () => void;
  readonly gone: () => void;
}

/** Longest pattern that is found across two chunks, bytes. */
const MEMORY_BYTES = 256;

/** One connection: the client's socket and the server's. */
class Line {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #owner: LineOwner;
  #before: Buffer = Buffer.alloc(0);
  /** Set while the server's answer is thrown away. */
  #swallowing: { readonly done: () => void; tail: Buffer } | undefined;

  constructor(client: Socket, server: Socket, owner: LineOwner) {
    this.#client = client;
    this.#server = server;
    this.#owner = owner;
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.on("data", (chunk) => {
      this.#fromClient(chunk);
    });
    server.on("data", (chunk) => {
      this.#fromServer(chunk);
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      // a reset of one side is passed on by "close"
      socket.on("error", () => undefined);
      socket.on("end", () => {
        other.end();
      });
      socket.on("close", () => {
        other.destroy();
        this.#forget();
      });
    }
  }

  /** Stops, or begins again, to read both sides. */
  hold(isOn: boolean): void {
    for (const socket of [this.#client, this.#server]) {
      if (isOn) socket.pause();
      else socket.resume();
    }
  }

  cut(how: "reset" | "end"): void {
    this.#owner.cut();
    // the server's side ends in order: what it got, it may still work on
    this.#server.destroy();
    if (how === "reset") this.#client.resetAndDestroy();
    else this.#client.destroySoon();
    this.#forget();
  }

  #forget(): void {
    this.#owner.gone();
    this.#swallowing?.done();
    this.#swallowing = undefined;
  }

  #fromClient(chunk: Buffer): void {
    if (this.#swallowing !== undefined) {
      this.#server.write(chunk);
      return;
    }
    const { verdict, done } = this.#owner.judge(chunk, this.#before);
    this.#before = Buffer.concat([this.#before, chunk]).subarray(-MEMORY_BYTES);
    if (verdict === "drop_request") {
      this.cut("reset");
      done();
      return;
    }
    if (verdict === "drop_reply") this.#swallowing = { done, tail: Buffer.alloc(0) };
    this.#server.write(chunk, () => {
      if (verdict !== "cut") return;
      this.cut("reset");
      done();
    });
  }

  #fromServer(chunk: Buffer): void {
    const swallowing = this.#swallowing;
    if (swallowing === undefined) {
      this.#client.write(chunk);
      return;
    }
    swallowing.tail = Buffer.concat([swallowing.tail, chunk]).subarray(-6);
    if (READY.some((ready) => ready.equals(swallowing.tail))) this.cut("reset");
  }
}
