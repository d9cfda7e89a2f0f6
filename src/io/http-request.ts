import type { JsonObject, JsonValue } from "../json/value.js";
import type { TransportCall } from "./transport.js";
import { canonicalizeJcs } from "../json/canonical-jcs.js";
import { invalidRequest, requestFields, timeoutField } from "./request-fields.js";
import { secretNameOf } from "../secrets/reference.js";

/** How the body of a response is handed over; default by its content type: JSON, text, else base64. */
export type BodyForm = "json" | "text" | "base64";

/**
 * A request of {@link httpTransport}. At most one of `json`, `text` and `base64` is its body.
 *
 * A header's value may be a secret reference, alone or after a scheme: `"secret:bank"`, `"Bearer secret:bank"`.
 */
export interface HttpRequest {
  /** Default `"GET"`. */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";
  /** `http:` or `https:`, without credentials. */
  readonly url: string;
  readonly headers?: { readonly [name: string]: string };
  readonly json?: JsonValue;
  readonly text?: string;
  readonly base64?: string;
  /** Form of the response's body; default by content type. */
  readonly as?: BodyForm;
  /** Milliseconds for everything, redirects and body included; at most and by default the transport's. */
  readonly timeoutMs?: number;
}

/** What is sent; `secrets` are header names whose values must not leave the first origin. */
export interface CheckedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer | undefined;
  readonly as: BodyForm | undefined;
  readonly timeoutMs: number;
}

const MEMBERS = ["method", "url", "headers", "json", "text", "base64", "as", "timeoutMs"];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const FORMS: readonly BodyForm[] = ["json", "text", "base64"];
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
// what HTTP allows in a value: a tab, and visible Latin-1
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/;
const SCHEME_AND_REFERENCE = /^([A-Za-z]{1,20} )?(secret:.{1,200})$/;
const HEADERS_MAX = 64;
const URL_LENGTH_MAX = 8_192;
/** Headers that belong to the connection, not to the request. */
const CONNECTION_HEADERS = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
  "te",
  "trailer",
  "expect",
  "accept-encoding",
]);

/**
 * Checks a request and makes what is sent of it, secrets left as references.
 *
 * @throws {@link RunsealError} `io.request_invalid` naming the member that is wrong, never what it held
 */
export function checkHttpRequest(request: JsonValue, limits: { readonly timeoutMs: number }): CheckedRequest {
  const fields = requestFields(request, MEMBERS);
  const method = fields["method"] ?? "GET";
  if (typeof method !== "string" || !METHODS.includes(method))
    throw invalidRequest("method", `must be one of ${METHODS.join(", ")}`);
  const { url } = fields;
  if (typeof url !== "string" || url.length > URL_LENGTH_MAX)
    throw invalidRequest("url", `must be a text of at most ${URL_LENGTH_MAX} characters`);
  const headers = headersOf(fields["headers"] ?? {});
  const body = bodyOf(fields, headers);
  if (body !== undefined && (method === "GET" || method === "HEAD"))
    throw invalidRequest("method", "must not be GET or HEAD with a body");
  const as = FORMS.find((form) => form === fields["as"]);
  if (as === undefined && fields["as"] !== undefined) throw invalidRequest("as", `must be one of ${FORMS.join(", ")}`);
  return { method, url, headers, body, as, timeoutMs: timeoutField(fields, limits.timeoutMs, limits.timeoutMs) };
}

/**
 * The headers as they are sent: references replaced by what they stand for.
 *
 * @param secrets - names that the transport may use itself; other references must be in the arguments of the step
 * @throws {@link RunsealError} `secret.unresolved`, `secret.not_sealed`; `io.request_invalid` when a secret can't stand in a header
 */
export async function revealHeaders(
  headers: ReadonlyMap<string, string>,
  secrets: ReadonlySet<string>,
  at: TransportCall,
): Promise<ReadonlyMap<string, string>> {
  const revealed = new Map<string, string>();
  for (const [name, value] of headers) {
    const [, scheme = "", reference = ""] = SCHEME_AND_REFERENCE.exec(value) ?? [];
    const secret = secretNameOf(reference);
    const shown = secret === undefined ? value : `${scheme}${await at.secret(secrets.has(secret) ? secret : reference)}`;
    if (!HEADER_VALUE.test(shown)) throw invalidRequest("headers", "holds a secret with characters that no header may have");
    revealed.set(name, shown);
  }
  return revealed;
}

function headersOf(given: JsonValue): Map<string, string> {
  if (given === null || typeof given !== "object" || Array.isArray(given))
    throw invalidRequest("headers", "must be an object of texts");
  const entries = Object.entries(given as JsonObject);
  if (entries.length > HEADERS_MAX) throw invalidRequest("headers", `has more than ${HEADERS_MAX} members`);
  const headers = new Map<string, string>();
  for (const [given, value] of entries) {
    const name = given.toLowerCase();
    if (!HEADER_NAME.test(name)) throw invalidRequest("headers", "has a name that is no header name");
    if (typeof value !== "string" || !HEADER_VALUE.test(value)) {
      throw invalidRequest("headers", "has a value that is no text of one line in Latin-1, at most 8192 characters");
    }
    if (CONNECTION_HEADERS.has(name) || name.startsWith("proxy-"))
      throw invalidRequest("headers", "names a header that the transport sets");
    if (headers.has(name)) throw invalidRequest("headers", "names one header twice");
    headers.set(name, value);
  }
  return headers;
}

function bodyOf(fields: JsonObject, headers: Map<string, string>): Buffer | undefined {
  const given = FORMS.filter((form) => fields[form] !== undefined);
  const [form, other] = given;
  if (form === undefined) return undefined;
  if (other !== undefined) throw invalidRequest(other, `can't stand beside "${form}": a request has one body`);
  const value = fields[form] ?? null;
  if (form === "json") {
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return Buffer.from(canonicalizeJcs(value));
  }
  if (typeof value !== "string") throw invalidRequest(form, "must be a text");
  if (form === "text") return Buffer.from(value);
  const bytes = Buffer.from(value, "base64");
  if (bytes.toString("base64") !== value) throw invalidRequest("base64", "must be padded base64");
  return bytes;
}
