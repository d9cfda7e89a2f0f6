import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { HttpTransportOptions } from "../../src/io/http-rules.js";
import type { JsonValue } from "../../src/json/value.js";
import { httpTransport } from "../../src/io/http-transport.js";
import { TurnedClock } from "../stores/turned-clock.js";
import { callOf, envOf } from "./transport-call.js";

interface Heard {
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server on the loopback that remembers what it heard. */
async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ port: number; heard: Heard[]; server: Server }> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { url, method, headers } = request;
      heard.push({ url, method, headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, heard, server };
}

const inside = ["api.test", "other.test"];
const toLoopback = async (): Promise<readonly string[]> => ["127.0.0.1"];

function ask(request: JsonValue, options: HttpTransportOptions = {}, at: Parameters<typeof callOf>[0] = {}): Promise<JsonValue> {
  const transport = httpTransport({ allowPrivate: inside, lookup: toLoopback, ...options });
  return transport(envOf()).call(request, callOf(at));
}

async function refusal(asked: Promise<unknown>): Promise<{ code: string; details: unknown; message: string }> {
  const error: unknown = await asked.then(
    (value) => value,
    (thrown: unknown) => thrown,
  );
  return error as { code: string; details: unknown; message: string };
}

describe("the http transport", () => {
  test("sends a request and hands over status, listed headers and the body by its type (D-085)", async () => {
    const { port, heard } = await serve((_request, response) => {
      response.writeHead(201, {
        "content-type": "application/json; charset=utf-8",
        "set-cookie": "sid=canary",
        "x-trace": "t",
        etag: '"1"',
      });
      response.end('{"number":"DE-1"}');
    });
    const response = await ask({
      method: "POST",
      url: `http://api.test:${port}/accounts?x=1`,
      headers: { "X-Tenant": "a" },
      json: { b: 1, a: 0.5 + 0.5 },
    });
    expect(response).toEqual({
      status: 201,
      headers: { "content-type": "application/json; charset=utf-8", etag: '"1"' },
      json: { number: "DE-1" },
    });
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({ url: "/accounts?x=1", method: "POST", body: '{"a":1,"b":1}' });
    expect(heard[0]?.headers).toMatchObject({ host: `api.test:${port}`, "x-tenant": "a", "content-type": "application/json" });
  });

  test("text, bytes and empty bodies; a status of failure is a response too", async () => {
    const { port, heard } = await serve((request, response) => {
      if (request.url === "/text") response.writeHead(500, { "content-type": "text/plain" }).end("größe");
      else if (request.url === "/bytes") response.writeHead(200, { "content-type": "image/png" }).end(Buffer.from([0, 255]));
      else if (request.url === "/ld") response.writeHead(200, { "content-type": "application/ld+json" }).end("[1]");
      else response.writeHead(204).end();
    });
    const url = `http://api.test:${port}`;
    expect(await ask({ url: `${url}/text` })).toEqual({ status: 500, headers: { "content-type": "text/plain" }, text: "größe" });
    expect(await ask({ url: `${url}/bytes` })).toEqual({ status: 200, headers: { "content-type": "image/png" }, base64: "AP8=" });
    expect(await ask({ url: `${url}/ld` })).toMatchObject({ json: [1] });
    expect(await ask({ url: `${url}/none`, method: "PUT", base64: "AP8=", as: "text" })).toEqual({
      status: 204,
      headers: {},
      text: "",
    });
    expect(await ask({ url: `${url}/text`, method: "POST", text: "größe", as: "base64" })).toMatchObject({
      base64: Buffer.from("größe").toString("base64"),
    });
    expect(heard.at(-1)?.body).toBe("größe");
  });

  test("what does not fit the value model is refused, and can be had as text", async () => {
    const { port } = await serve((request, response) => {
      const body =
        request.url === "/fraction" ? '{"canary":0.5}' : request.url === "/latin" ? Buffer.from([0x63, 0xe4]) : "canary{";
      response
        .writeHead(200, { "content-type": "application/json", ...(request.url === "/gzip" && { "content-encoding": "gzip" }) })
        .end(body);
    });
    for (const path of ["fraction", "latin", "broken", "gzip"]) {
      const error = await refusal(ask({ url: `http://api.test:${port}/${path}` }));
      expect(error.code).toBe("io.response_invalid");
      expect(JSON.stringify(error) + error.message).not.toContain("canary");
    }
    expect(await ask({ url: `http://api.test:${port}/fraction`, as: "text" })).toMatchObject({ text: '{"canary":0.5}' });
  });

  const closedUrls = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://127.0.0.1./",
    "http://１２７.0.0.1/",
  ];
  test.each(closedUrls)("%s is refused without asking a resolver (reliability row 84)", async (url) => {
    const asked: string[] = [];
    const lookup = async (host: string): Promise<readonly string[]> => {
      asked.push(host);
      return ["8.8.8.8"];
    };
    const error = await refusal(ask({ url }, { lookup }));
    expect(error).toMatchObject({ code: "io.url_refused", details: { reason: "address", hop: 0 } });
    expect(asked).toEqual([]);
  });

  test.each([
    ["file:///etc/passwd", "scheme"],
    ["gopher://api.test/", "scheme"],
    ["ftp://api.test/", "scheme"],
    ["data:text/plain,x", "scheme"],
    ["http://user:canary@api.test/", "credentials"],
    ["http://canary@api.test/", "credentials"],
    ["http://", "malformed"],
    ["canary", "malformed"],
    ["http://256.1.1.1/", "malformed"],
  ])("%s is refused: %s (reliability row 84)", async (url, reason) => {
    const error = await refusal(ask({ url }));
    expect(error).toMatchObject({ code: "io.url_refused", details: { reason } });
    expect(error.message).not.toContain("canary");
  });

  test("a name that resolves inside is refused when it is connected to, also when only one of its addresses does (reliability row 84)", async () => {
    const { port, heard } = await serve((_request, response) => response.end("inside"));
    for (const addresses of [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"], ["not an address"], []]) {
      const error = await refusal(ask({ url: `http://public.test:${port}/` }, { lookup: async () => addresses }));
      expect(error).toMatchObject({ code: "io.url_refused", details: { reason: "address", hop: 0 } });
    }
    expect(heard).toEqual([]);
  });

  test("a rebinding name is resolved once per connection, and the address that was checked is the one connected to (reliability row 84)", async () => {
    const { port, heard } = await serve((request, response) => {
      if (request.url === "/") response.writeHead(302, { location: `http://api.test:${port}/again` }).end();
      else response.end("ok");
    });
    const answers = [["127.0.0.1"], ["127.0.0.1"], ["10.255.255.1"]];
    let lookups = 0;
    const lookup = async (): Promise<readonly string[]> => answers[lookups++] ?? [];
    expect(await ask({ url: `http://api.test:${port}/` }, { lookup })).toMatchObject({ status: 200 });
    expect(lookups).toBe(2);
    expect(heard.map(({ url }) => url)).toEqual(["/", "/again"]);
  });

  test.each([
    ["http://10.0.0.1/x", "address"],
    ["http://public.test/", "address"],
    ["http://[::1]:1/", "address"],
    ["file:///etc/passwd", "scheme"],
    ["http://u:p@api.test/", "credentials"],
    ["//127.0.0.1/", "address"],
  ])("a redirect to %s is refused: %s (reliability row 84)", async (location, reason) => {
    const { port } = await serve((_request, response) => response.writeHead(302, { location }).end());
    expect(await refusal(ask({ url: `http://api.test:${port}/` }))).toMatchObject({
      code: "io.url_refused",
      details: { reason, hop: 1 },
    });
  });

  test("a redirect to another origin takes no headers along that could be credentials; a see-other drops the body", async () => {
    const { port, heard } = await serve((request, response) => {
      const next = { "/": "/same", "/same": `http://other.test:${port}/other` }[request.url ?? ""];
      if (next === undefined) response.end("end");
      else response.writeHead(request.url === "/" ? 307 : 303, { location: next }).end();
    });
    const headers = { authorization: "Bearer secret:bank", "x-key": "k", accept: "text/plain", "content-type": "text/plain" };
    await ask(
      { url: `http://api.test:${port}/`, method: "POST", headers, text: "body" },
      {},
      { secret: async (reference) => `canary-${reference.replace("secret:", "")}` },
    );
    expect(
      heard.map(({ method, body, headers: sent }) => [method, body, sent.authorization, sent["x-key"], sent.accept]),
    ).toEqual([
      ["POST", "body", "Bearer canary-bank", "k", "text/plain"],
      ["POST", "body", "Bearer canary-bank", "k", "text/plain"],
      ["GET", "", undefined, undefined, "text/plain"],
    ]);
    expect(heard[2]?.headers["content-type"]).toBeUndefined();
  });

  test("redirects end at the limit, and a limit of none hands them over (reliability row 84)", async () => {
    const { port, heard } = await serve((_request, response) => response.writeHead(301, { location: "/next" }).end());
    const url = `http://api.test:${port}/`;
    expect(await refusal(ask({ url }, { redirectsMax: 3 }))).toMatchObject({
      code: "io.too_many_redirects",
      details: { redirectsMax: 3 },
    });
    expect(heard).toHaveLength(4);
    expect(await ask({ url }, { redirectsMax: 0, responseHeaders: ["Location"] })).toMatchObject({
      status: 301,
      headers: { location: "/next" },
    });
  });

  test("only listed hosts may be asked where hosts are listed; a name below, a port", async () => {
    const { port } = await serve((_request, response) => response.end("ok"));
    const lists: HttpTransportOptions = {
      allowHosts: ["*.bank.test", `api.test:${port}`],
      allowPrivate: ["*.bank.test", "api.test", "bank.test"],
    };
    for (const host of ["eu.bank.test", "a.eu.bank.test.", "api.test"]) {
      expect(await ask({ url: `http://${host}:${port}/` }, lists)).toMatchObject({ status: 200 });
    }
    for (const host of ["bank.test", "evilbank.test", "api.test.evil", "eu.bank.test.evil"]) {
      expect(await refusal(ask({ url: `http://${host}:${port}/` }, lists))).toMatchObject({
        code: "io.url_refused",
        details: { reason: "host" },
      });
    }
    expect(await refusal(ask({ url: "http://api.test/" }, lists))).toMatchObject({ details: { reason: "host" } });
  });

  test.each([
    [{ url: "http://api.test/", headers: { "x-a": "1\r\nx-b: 2" } }, "headers"],
    [{ url: "http://api.test/", headers: { "x-a\r\nx-b": "1" } }, "headers"],
    [{ url: "http://api.test/", headers: { "x-a": "1\u0000" } }, "headers"],
    [{ url: "http://api.test/", headers: { "x-a": "ł" } }, "headers"],
    [{ url: "http://api.test/", headers: { "x-a": 1 } }, "headers"],
    [{ url: "http://api.test/", headers: { "": "1" } }, "headers"],
    [{ url: "http://api.test/", headers: { "X-A": "1", "x-a": "2" } }, "headers"],
    [{ url: "http://api.test/", headers: { Host: "evil.test" } }, "headers"],
    [{ url: "http://api.test/", headers: { "Transfer-Encoding": "chunked" } }, "headers"],
    [{ url: "http://api.test/", headers: { "proxy-authorization": "x" } }, "headers"],
    [{ url: "http://api.test/", headers: [] }, "headers"],
    [{ url: "http://api.test/", headers: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`x-${n}`, ""])) }, "headers"],
    [{ url: 7 }, "url"],
    [{}, "url"],
    [{ url: "x".repeat(8193) }, "url"],
    [{ url: "http://api.test/", method: "TRACE" }, "method"],
    [{ url: "http://api.test/", method: "get" }, "method"],
    [{ url: "http://api.test/", text: "x" }, "method"],
    [{ url: "http://api.test/", method: "POST", text: "x", json: 1 }, "text"],
    [{ url: "http://api.test/", method: "POST", text: 1 }, "text"],
    [{ url: "http://api.test/", method: "POST", base64: "AP8" }, "base64"],
    [{ url: "http://api.test/", as: "xml" }, "as"],
    [{ url: "http://api.test/", timeoutMs: 0 }, "timeoutMs"],
    [{ url: "http://api.test/", timeoutMs: 30_001 }, "timeoutMs"],
    [{ url: "http://api.test/", canary: 1 }, "request"],
    [[], "request"],
    [null, "request"],
  ] as const)("the request %j is refused at %s (reliability row 84)", async (request, field) => {
    const error = await refusal(ask(request));
    expect(error).toMatchObject({ code: "io.request_invalid", details: { field } });
    expect(error.message).not.toContain("canary");
  });

  test("a reference is passed on as one, unless the transport was made to use that secret itself", async () => {
    const { port } = await serve((_request, response) => response.end());
    const asked: string[] = [];
    const secret = async (name: string): Promise<string> => {
      asked.push(name);
      return "v";
    };
    const headers = { a: "secret:own", b: "Bearer secret:given", c: "secret: no reference", d: "not a secret:own" };
    await ask({ url: `http://api.test:${port}/`, headers }, { secrets: ["own"] }, { secret });
    expect(asked).toEqual(["own", "secret:given"]);
  });

  test("a secret that no header may hold is refused and not shown", async () => {
    const error = await refusal(
      ask({ url: "http://api.test/", headers: { authorization: "secret:bank" } }, {}, { secret: async () => "canary\r\nx: 1" }),
    );
    expect(error).toMatchObject({ code: "io.request_invalid", details: { field: "headers" } });
    expect(error.message).not.toContain("canary");
  });

  test("requests and responses have largest sizes, counted while they come (reliability row 84)", async () => {
    const { port } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      const flood = (): void => {
        while (response.write("x".repeat(16_384)));
        response.once("drain", flood);
      };
      flood();
    });
    const url = `http://api.test:${port}/`;
    expect(await refusal(ask({ url }, { responseBytesMax: 100_000 }))).toMatchObject({
      code: "io.response_too_large",
      details: { bytesMax: 100_000 },
    });
    expect(await refusal(ask({ url, method: "POST", text: "12345" }, { requestBytesMax: 4 }))).toMatchObject({
      code: "io.request_too_large",
      details: { bytes: 5, bytesMax: 4 },
    });
  });

  test("one deadline covers the answer, its body and the secrets (reliability row 84)", async () => {
    const clock = new TurnedClock(0);
    const stages: Record<string, () => void> = {};
    const { port } = await serve((request, response) => {
      if (request.url === "/body") response.writeHead(200).write("half");
      stages[request.url ?? ""]?.();
    });
    for (const path of ["/never", "/body"]) {
      const reached = new Promise<void>((resolve) => (stages[path] = resolve));
      const transport = httpTransport({ allowPrivate: inside, lookup: toLoopback, timeoutMs: 500 })(envOf({ clock }));
      const error = refusal(transport.call({ url: `http://api.test:${port}${path}` }, callOf()));
      await reached;
      clock.advance(500);
      expect(await error).toMatchObject({ code: "io.timeout", details: { timeoutMs: 500 } });
      expect(clock.alarms).toBe(0);
    }
    const stuck = httpTransport({ allowPrivate: inside, lookup: toLoopback })(envOf({ clock }));
    const never = callOf({ secret: () => new Promise<string>(() => undefined) });
    const error = refusal(stuck.call({ url: `http://api.test:${port}/`, headers: { a: "secret:b" }, timeoutMs: 10 }, never));
    clock.advance(10);
    expect(await error).toMatchObject({ code: "io.timeout" });
  });

  test("an aborted attempt gives up at once, before and while it is answered (reliability row 94)", async () => {
    const stop = new AbortController();
    const { port, heard } = await serve(() => stop.abort());
    const request = { url: `http://api.test:${port}/` };
    expect(await refusal(ask(request, {}, { signal: stop.signal }))).toMatchObject({ code: "io.canceled" });
    expect(await refusal(ask(request, {}, { signal: stop.signal }))).toMatchObject({ code: "io.canceled" });
    expect(heard).toHaveLength(1);
  });

  test("what breaks on the wire is told by the platform's code alone", async () => {
    const tcp = createTcpServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
    const { port } = tcp.address() as AddressInfo;
    expect(await refusal(ask({ url: `http://api.test:${port}/` }))).toMatchObject({
      code: "io.unreachable",
      details: { reason: "ECONNRESET" },
    });
    const https = await refusal(ask({ url: `https://api.test:${port}/` }));
    expect(https.code).toBe("io.unreachable");
    await new Promise((resolve) => tcp.close(resolve));
    const gone = await refusal(ask({ url: `http://api.test:${port}/` }));
    expect(gone).toMatchObject({ code: "io.unreachable", details: { reason: "ECONNREFUSED" } });
    expect(gone.message).not.toContain("127.0.0.1");
    const failing = await refusal(
      ask(
        { url: "http://api.test/" },
        { lookup: () => Promise.reject(Object.assign(new Error("canary"), { code: "ENOTFOUND" })) },
      ),
    );
    expect(failing).toMatchObject({ code: "io.unreachable", details: { reason: "ENOTFOUND" } });
    expect(failing.message).not.toContain("canary");
    const odd = await refusal(ask({ url: "http://api.test/" }, { lookup: () => Promise.reject("canary") }));
    expect(odd).toMatchObject({ code: "io.unreachable", details: { reason: "unknown" } });
  });

  test("a response that ends early is no response", async () => {
    const tcp = createTcpServer((socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")),
    );
    await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
    closing.push(() => tcp.close());
    const { port } = tcp.address() as AddressInfo;
    expect(await refusal(ask({ url: `http://api.test:${port}/` }))).toMatchObject({ code: "io.unreachable" });
  });

  test.each([
    { redirectsMax: -1 },
    { redirectsMax: 21 },
    { timeoutMs: 0 },
    { responseBytesMax: 0.5 },
    { requestBytesMax: Number.NaN },
    { allowHosts: ["http://api.test"] },
    { allowHosts: [""] },
    { allowPrivate: ["a b"] },
    { allowHosts: [7 as never] },
    { responseHeaders: ["Set-Cookie"] },
    { responseHeaders: ["proxy-authenticate"] },
  ])("the setting %j is refused when the transport is made", (options) => {
    expect(() => httpTransport(options)).toThrow(expect.objectContaining({ code: "instance.misconfigured" }));
  });
});
