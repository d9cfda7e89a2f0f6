import type { HttpRules } from "./http-rules.js";
import type { IncomingMessage, RequestOptions } from "node:http";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { addressesOf } from "./http-rules.js";
import { isIPv6 } from "node:net";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/** One request on the wire. */
export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer | undefined;
  /** How many redirects led here. */
  readonly hop: number;
}

/** One response, its body complete. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/**
 * Sends one request on a connection of its own and reads the whole response.
 *
 * The address that was checked is the one connected to: nobody resolves the name a second time.
 * @throws {@link RunsealError} `io.url_refused`, `io.unreachable`, `io.response_too_large`; when `signal` is aborted it gives up, and whoever aborted
 *   it says why
 */
export async function exchange(
  { url, method, headers, body, hop }: Exchange,
  rules: HttpRules,
  signal: AbortSignal,
): Promise<Answer> {
  const options: RequestOptions = {
    method,
    headers: {
      ...Object.fromEntries(headers),
      "accept-encoding": "identity",
      ...(body && { "content-length": String(body.length) }),
    },
    agent: false,
    lookup: checkedLookup(url, rules, hop),
  };
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, options);
    const stop = (): void => void request.destroy();
    const fail = (error: unknown): void => reject(worldError(error));
    signal.addEventListener("abort", stop, { once: true });
    request.on("error", fail);
    request.on("close", () => {
      signal.removeEventListener("abort", stop);
      fail(undefined); // does nothing where the answer is complete
    });
    request.on("response", (response) => {
      readBody(response, rules.responseBytesMax).then(
        (read) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: read }),
        (error: unknown) => {
          fail(error);
          stop();
        },
      );
    });
    request.end(body);
  });
}

/** A `lookup` as `node:net` calls it: asked once per connection, so that what is checked is what is connected to. */
function checkedLookup(url: URL, rules: HttpRules, hop: number): NonNullable<RequestOptions["lookup"]> {
  return (_host, options, callback) => {
    addressesOf(url, rules).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) {
          callback(urlRefused("address", hop), "", 0);
          return;
        }
        const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
        if (options.all === true) callback(null, found);
        else callback(null, first, isIPv6(first) ? 6 : 4);
      },
      (error: unknown) => callback(worldError(error), "", 0),
    );
  };
}

async function readBody(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new RunsealError("io.response_too_large", `the response is larger than ${bytesMax} bytes`, { bytesMax });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The refusal of a URL before anything is sent to it; the URL is not repeated. */
export function urlRefused(
  reason: "malformed" | "scheme" | "credentials" | "host" | "address" | "downgrade",
  hop: number,
): RunsealError<"io.url_refused"> {
  const what = hop === 0 ? "the url" : `the target of redirect ${hop}`;
  const why = {
    malformed: "is no url",
    scheme: "is neither http nor https",
    credentials: "holds credentials; send them in a header",
    host: 'names a host that "allowHosts" does not',
    address: 'leads to an address that is not public; name the host in "allowPrivate" if it is meant',
    downgrade: "leads from https to http",
  }[reason];
  return new RunsealError("io.url_refused", `${what} ${why}`, { reason, hop });
}

/** What went wrong on the wire: the platform's code and nothing of its message, which names hosts and addresses. */
function worldError(error: unknown): RunsealError {
  if (isRunsealError(error)) return error;
  const code: unknown = error !== null && typeof error === "object" ? Reflect.get(error, "code") : undefined;
  const reason = typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : "unknown";
  return new RunsealError("io.unreachable", `no complete response came: ${reason}`, { reason });
}
