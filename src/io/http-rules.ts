import { lookup as dnsLookup } from "node:dns/promises";
import { RunsealError } from "../errors/error.js";
import { isAddress, isPublicAddress } from "./address.js";

/** Settings of {@link httpTransport}. Everything has a default that reaches only the public internet. */
export interface HttpTransportOptions {
  /** Hosts that may be asked: exact names, or `*.example.com` for every name below. Absent = every public host. */
  readonly allowHosts?: readonly string[];
  /** Hosts (`"bank.internal"`, or `"bank.internal:8080"` for one port) whose address may be private. Default none. */
  readonly allowPrivate?: readonly string[];
  /** Redirects that are followed; 0 hands a redirect over as it is. Default 5. */
  readonly redirectsMax?: number;
  /** Default 1 MiB. */
  readonly requestBytesMax?: number;
  /** Largest body of a response. Default 1 MiB. */
  readonly responseBytesMax?: number;
  /** Longest time of one call, everything included, milliseconds. Default 30 000. */
  readonly timeoutMs?: number;
  /** Headers of a response that are handed over, and so may be recorded. Default content-type, etag, last-modified and retry-after. */
  readonly responseHeaders?: readonly string[];
  /** Names of secrets that a request may use although the step's sealed arguments don't hold a reference to them. Default none. */
  readonly secrets?: readonly string[];
  /** Every IP address of a host name. Default: the system's resolver. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
}

/** The settings in force. */
export interface HttpRules {
  readonly redirectsMax: number;
  readonly requestBytesMax: number;
  readonly responseBytesMax: number;
  readonly timeoutMs: number;
  readonly responseHeaders: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Whether a host may be asked at all. */
  readonly isAllowedHost: (url: URL) => boolean;
  /** Whether the addresses of a host may be private. */
  readonly mayBePrivate: (url: URL) => boolean;
}

const RESPONSE_HEADERS = ["content-type", "etag", "last-modified", "retry-after"];
/** Never handed over: they carry credentials. */
const SENSITIVE_HEADERS = new Set(["set-cookie", "set-cookie2", "authorization", "authentication-info", "www-authenticate"]);

/**
 * The settings in force, checked.
 *
 * @throws {@link RunsealError} `instance.misconfigured` for a setting that can't be right
 */
export function httpRules(options: HttpTransportOptions): HttpRules {
  const hosts = options.allowHosts?.map(hostPattern);
  const privates = new Set((options.allowPrivate ?? []).map(hostPattern));
  return {
    redirectsMax: bounded("redirectsMax", options.redirectsMax ?? 5, 0, 20),
    requestBytesMax: bounded("requestBytesMax", options.requestBytesMax ?? 1_048_576, 0, 67_108_864),
    responseBytesMax: bounded("responseBytesMax", options.responseBytesMax ?? 1_048_576, 0, 67_108_864),
    timeoutMs: bounded("timeoutMs", options.timeoutMs ?? 30_000, 1, 86_400_000),
    responseHeaders: new Set((options.responseHeaders ?? RESPONSE_HEADERS).map(recordedHeader)),
    secrets: new Set(options.secrets ?? []),
    lookup: options.lookup ?? systemLookup,
    isAllowedHost: (url) => hosts === undefined || hosts.some((pattern) => fits(pattern, url)),
    mayBePrivate: (url) => [...privates].some((pattern) => fits(pattern, url)),
  };
}

/** Which rule a URL breaks before anybody is asked for its address. */
export function urlFault(url: URL, rules: HttpRules): "scheme" | "credentials" | "host" | "address" | undefined {
  if (url.protocol !== "http:" && url.protocol !== "https:") return "scheme";
  if (url.username !== "" || url.password !== "") return "credentials";
  if (!rules.isAllowedHost(url)) return "host";
  // a resolver is not asked about an address, so it is judged here
  if (isAddress(url.hostname) && !isPublicAddress(url.hostname) && !rules.mayBePrivate(url)) return "address";
  return undefined;
}

/** Every address of a URL's host that a connection may be made to; empty when one of them may not be. */
export async function addressesOf(url: URL, rules: HttpRules): Promise<readonly string[]> {
  const addresses = await rules.lookup(url.hostname);
  const isSound = addresses.every((address) => isAddress(address) && (rules.mayBePrivate(url) || isPublicAddress(address)));
  return isSound ? addresses : [];
}

async function systemLookup(host: string): Promise<readonly string[]> {
  return (await dnsLookup(host, { all: true })).map(({ address }) => address);
}

function fits(pattern: string, url: URL): boolean {
  const host = url.hostname.replace(/\.$/, "");
  if (pattern.startsWith("*.")) return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1;
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return pattern === host || pattern === `${host}:${port}`;
}

function hostPattern(host: unknown): string {
  const text = typeof host === "string" ? host.toLowerCase().replace(/\.$/, "") : "";
  if (/^(\*\.)?[a-z0-9._-]{1,253}(:\d{1,5})?$/.test(text) || /^\[[0-9a-f:.]{2,45}\](:\d{1,5})?$/.test(text)) return text;
  throw misconfigured('a host is a name, an address ("[::1]" for IPv6) or "*.name", with a port where one is meant');
}

function recordedHeader(name: string): string {
  const lower = name.toLowerCase();
  if (!SENSITIVE_HEADERS.has(lower) && !lower.startsWith("proxy-")) return lower;
  throw misconfigured(`the header "${lower}" carries credentials and is never handed over`);
}

function bounded(option: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw misconfigured(`"${option}" of the http transport must be a whole number from ${min} to ${max}`);
}

function misconfigured(message: string): RunsealError<"instance.misconfigured"> {
  return new RunsealError("instance.misconfigured", message, { option: "io" });
}
