import type { Answer, Exchange } from "./http-exchange.js";
import type { BodyForm, CheckedRequest } from "./http-request.js";
import type { HttpRules, HttpTransportOptions } from "./http-rules.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { TransportCall, TransportFactory } from "./transport.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { checkHttpRequest, revealHeaders } from "./http-request.js";
import { copyCanonical } from "../json/copy.js";
import { exchange, urlRefused } from "./http-exchange.js";
import { httpRules, urlFault } from "./http-rules.js";
import { openDeadline } from "./deadline.js";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What may follow a redirect to another origin. */
const HARMLESS_HEADERS = new Set(["accept", "accept-language", "content-type", "user-agent"]);

/**
 * Makes a transport that sends requests over http and https, and reaches only the public internet unless it is told otherwise.
 *
 * A request is an {@link HttpRequest}; the response is `{ status, headers, json }`, or `text` or `base64` in place of `json`. Any
 * status is a response. The address of every host, of redirects too, is checked when the connection is made.
 *
 * The call throws {@link RunsealError} `io.request_invalid`, `io.request_too_large`, `io.url_refused`, `io.too_many_redirects`,
 * `io.unreachable`, `io.response_too_large`, `io.response_invalid`, `io.timeout` or `io.canceled`; none repeats the request or the
 * response.
 *
 * @throws {@link RunsealError} `instance.misconfigured` for a setting that can't be right
 */
export function httpTransport(options: HttpTransportOptions = {}): TransportFactory {
  const rules = httpRules(options);
  return ({ clock }) => ({
    async call(request, at) {
      const checked = checkHttpRequest(request, rules);
      const { timeoutMs, body } = checked;
      const { requestBytesMax: bytesMax } = rules;
      if (body !== undefined && body.length > bytesMax) {
        const message = `the body of the request has ${body.length} bytes, more than ${bytesMax}`;
        throw new RunsealError("io.request_too_large", message, { bytes: body.length, bytesMax });
      }
      const timedOut = (): RunsealError =>
        new RunsealError("io.timeout", `no complete response came within ${timeoutMs} ms`, { timeoutMs });
      const deadline = openDeadline(clock, at.signal, timeoutMs, { timedOut });
      try {
        return await Promise.race([send(checked, rules, at, deadline.signal), deadline.passed]);
      } finally {
        deadline.close();
      }
    },
  });
}

async function send(checked: CheckedRequest, rules: HttpRules, at: TransportCall, signal: AbortSignal): Promise<JsonValue> {
  const url = soundUrl(checked.url, undefined, rules, 0);
  let step: Exchange = {
    url,
    method: checked.method,
    headers: await revealHeaders(checked.headers, rules.secrets, at),
    body: checked.body,
    hop: 0,
  };
  for (;;) {
    signal.throwIfAborted();
    const answer = await exchange(step, rules, signal);
    const target = REDIRECTS.has(answer.status) ? answer.headers.location : undefined;
    if (target === undefined || rules.redirectsMax === 0) return responseOf(answer, checked.as, rules);
    if (step.hop === rules.redirectsMax) {
      const { redirectsMax } = rules;
      throw new RunsealError("io.too_many_redirects", `the response redirects more than ${redirectsMax} times`, { redirectsMax });
    }
    step = redirected(step, answer.status, soundUrl(target, step.url, rules, step.hop + 1));
  }
}

function soundUrl(text: string, base: URL | undefined, rules: HttpRules, hop: number): URL {
  if (!URL.canParse(text, base?.href)) throw urlRefused("malformed", hop);
  const url = new URL(text, base);
  const fault = urlFault(url, rules);
  if (fault !== undefined) throw urlRefused(fault, hop);
  if (base?.protocol === "https:" && url.protocol === "http:") throw urlRefused("downgrade", hop);
  return url;
}

function redirected(from: Exchange, status: number, url: URL): Exchange {
  const isSameOrigin = url.origin === from.url.origin;
  const keepsBody = status === 307 || status === 308 || from.method === "GET" || from.method === "HEAD";
  const headers = [...from.headers].filter(
    ([name]) => (isSameOrigin || HARMLESS_HEADERS.has(name)) && (keepsBody || name !== "content-type"),
  );
  return {
    url,
    method: keepsBody ? from.method : "GET",
    headers: new Map(headers),
    body: keepsBody ? from.body : undefined,
    hop: from.hop + 1,
  };
}

function responseOf({ status, headers, body }: Answer, as: BodyForm | undefined, rules: HttpRules): JsonObject {
  const shown: Record<string, string> = {};
  for (const name of rules.responseHeaders) {
    const value = headers[name];
    if (typeof value === "string") shown[name] = value;
  }
  const form = as ?? formOf(headers["content-type"], body);
  if (form === "base64") return { status, headers: shown, base64: body.toString("base64") };
  if ((headers["content-encoding"] ?? "identity") !== "identity") throw badResponse("an encoding that was not asked for");
  const text = textOf(body);
  return form === "text" ? { status, headers: shown, text } : { status, headers: shown, json: jsonOf(text) };
}

function formOf(contentType: string | undefined, body: Buffer): BodyForm {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (body.length === 0) return "text";
  if (type === "application/json" || type.endsWith("+json")) return "json";
  return type.startsWith("text/") ? "text" : "base64";
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw badResponse('text that is not UTF-8; ask for it `as: "base64"`');
  }
}

function jsonOf(text: string): JsonValue {
  try {
    return copyCanonical(JSON.parse(text));
  } catch (error) {
    if (!isRunsealError(error)) throw badResponse('text that is not JSON; ask for it `as: "text"`');
    throw badResponse('JSON that the value model does not hold (a fraction, a large integer); ask for it `as: "text"`');
  }
}

function badResponse(what: string): RunsealError<"io.response_invalid"> {
  return new RunsealError("io.response_invalid", `the response holds ${what}`, {});
}
