import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { isRunsealError } from "runseal";
import { openService } from "./service.js";

const BODY_BYTES_MAX = 65_536;
const { runseal, close } = openService();

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const { method = "", url = "" } = request;
  const [, room, runId, what] = new URL(url, "http://api").pathname.split("/");
  if (method === "GET" && room === "healthz") return { status: 200, body: { ok: true } };
  if (method === "POST" && room === "bills") return submit(await bodyOf(request));
  if (method === "GET" && room === "runs" && runId !== undefined) {
    return { status: 200, body: what === "events" ? await eventsOf(runId) : await runseal.status(runId) };
  }
  return { status: 404, body: { error: `${method} ${url} is nothing here` } };
}

/** Seals the operation and stores a run for the workers. The same bills again are the same run. */
async function submit(body: unknown): Promise<Answer> {
  const args = typeof body === "object" && body !== null ? body : {};
  const month = "month" in args ? String(args.month) : "";
  const outcome = await runseal.compile({ name: "billing.month", args }, { intent: `bills-${month}` });
  if (outcome.kind === "compilation_error" && outcome.errorKind === "store_failed") return { status: 503, body: outcome };
  if (outcome.kind !== "compiled") return { status: 422, body: outcome };
  const { runId } = await runseal.submit(outcome.runbook.id);
  return { status: 202, body: { runId, runbookId: outcome.runbook.id, preview: outcome.preview.text } };
}

async function eventsOf(runId: string): Promise<readonly unknown[]> {
  const events: unknown[] = [];
  for await (const { seq, kind, epoch, payload } of runseal.history(runId)) events.push({ seq, kind, epoch, payload });
  return events;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new RangeError(`the body is larger than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function refusal(error: unknown): Answer {
  const body = { error: error instanceof Error ? error.message : "unknown" };
  if (error instanceof SyntaxError || error instanceof RangeError) return { status: 400, body };
  if (!isRunsealError(error)) return { status: 500, body };
  return { status: error.code === "run.not_found" ? 404 : 503, body: { ...body, code: error.code } };
}

const server = createServer((request, response) => {
  void answer(request)
    .catch(refusal)
    .then(({ status, body }) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(`${JSON.stringify(body)}\n`);
    });
});
const stop = (): void => {
  server.close();
  server.closeIdleConnections();
  void close();
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
server.listen(Number(process.env["PORT"] ?? 8080), process.env["HOST"] ?? "127.0.0.1", () => {
  const address = server.address();
  console.log(`api listens on ${typeof address === "object" && address !== null ? address.port : ""}`);
});
