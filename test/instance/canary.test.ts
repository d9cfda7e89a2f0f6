import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  allowAll,
  createCatalog,
  createRunseal,
  defineMacro,
  defineVerb,
  memoryStores,
  secret,
  secretRef,
  subject,
  verifyBundle,
} from "runseal";
import type { Runseal, SecretSource, StepContext, Stores } from "runseal";
import { openSqlite } from "runseal/sqlite";

const CANARY = 'cänary/"4711"+tweet tweet';
const url = `https://bank.example/transfer?token=${encodeURIComponent(CANARY)}`;
const basic = `Basic ${Buffer.from(`user:${CANARY}`).toString("base64")}`;
const long = `${"x".repeat(40_000)} ${CANARY}`;

const use = defineVerb({
  name: "vault.use",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  retry: { attemptsMax: 2, baseMs: 1, maxMs: 1 },
  args: z.object({ account: subject("account", "write"), token: secret(), how: z.string() }),
  result: z.object({ note: z.string(), list: z.array(z.string()) }),
});
const wait = defineVerb({
  name: "vault.wait",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  mode: "durable",
  args: z.object({ account: subject("account", "write"), token: secret() }),
  result: z.object({ answer: z.string() }),
});
const show = defineVerb({
  name: "vault.show",
  version: 1,
  effect: "pure",
  args: z.object({ note: z.string() }),
  result: z.object({ seen: z.string() }),
});
const quote = defineVerb({
  name: "vault.quote",
  version: 1,
  effect: "read",
  args: z.object({}),
  result: z.object({ text: z.string() }),
});
const work = defineMacro({
  name: "vault.work",
  version: 1,
  params: z.object({ account: subject("account"), token: secret(), how: z.string() }),
  body: ({ params, step }) => {
    const used = step("use", use, { account: params.account, token: params.token, how: params.how });
    const shown = step("show", show, { note: used.result.note });
    return { note: used.result.note, seen: shown.result.seen };
  },
});
const asked = defineMacro({
  name: "vault.asked",
  version: 1,
  params: z.object({}),
  body: ({ lookup, step }) => ({ seen: step("show", show, { note: lookup("quote", quote, {}).text }).result.seen }),
});
const catalog = createCatalog({ verbs: [use, wait, show, quote], macros: [work, asked] });

/** Written by hand: the forms are looked for in the bytes of everything that is left. */
const TRACES: readonly string[] = [
  CANARY,
  "tweet tweet",
  JSON.stringify(CANARY).slice(1, -1),
  encodeURIComponent(CANARY),
  Buffer.from(CANARY).toString("hex"),
  Buffer.from(CANARY).toString("base64").slice(0, -4),
  Buffer.from(`:${CANARY}`).toString("base64").slice(4, -4),
  Buffer.from(`::${CANARY}`).toString("base64").slice(4, -4),
];

function tracesIn(what: string, content: Buffer | string): readonly string[] {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return TRACES.filter((trace) => bytes.includes(trace)).map((trace) => `${what}: ${trace}`);
}

interface Scene {
  readonly runseal: Runseal<typeof catalog>;
  readonly lines: unknown[];
  readonly told: unknown[];
  readonly plain: string[];
}

const key = new Uint8Array(32).fill(9);
const source: SecretSource = {
  resolve: (name) => (name === "bank" ? CANARY : (undefined as never)),
  key: (id = "k1") => ({ id, key }),
};

function scene(stores: Stores): Scene {
  const lines: unknown[] = [];
  const told: unknown[] = [];
  const plain: string[] = [];
  const secretError = (): Error =>
    Object.assign(new Error(`refused by ${url}`, { cause: new Error(CANARY) }), {
      details: { [CANARY]: CANARY },
      stack: `at ${CANARY}`,
      code: "bank.refused",
    });

  const handle = async ({ token, how }: { readonly token: string; readonly how: string }, ctx: StepContext): Promise<never> => {
    const value = await ctx.secret(token);
    plain.push(value);
    ctx.log(`sends ${value} to ${url}`, { value, deep: [{ [value]: basic }], error: secretError(), long });
    await ctx.emit("bank.called", { url, headers: { x: basic }, value, list: [value] });
    await ctx.progress(1, 2);
    const fact = await ctx.fact("answer", () => ({ value, text: Buffer.from(value).toString("hex") }));
    told.push(fact, await ctx.fact("long", () => ({ long })));
    const echoed = await ctx.io.call({ namespace: "echo", request: { value }, factKey: "echo" });
    told.push(echoed);
    ctx.set("token", value);
    ctx.set("long", long);
    for (const refused of [
      () => ctx.putArtifact("report", `the token is ${value}`),
      () => ctx.putArtifact("report", new Uint8Array(Buffer.from(basic))),
      () => ctx.fact(`token ${value}`, () => 1),
      () => ctx.io.call({ namespace: "echo", request: null, factKey: `k ${value}` }),
      () => ctx.emit(`bank.x${Buffer.from(value).toString("hex")}`, {}),
      async () => ctx.set(`k/${Buffer.from(value).toString("hex")}`, 1),
    ]) {
      const error: unknown = await refused().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "secret.detected" });
      told.push(error);
    }
    const kept = await ctx.putArtifact("secret_payload", value);
    const again = await ctx.putArtifact("secret_payload", value);
    expect(kept).not.toBe(again);
    expect(new TextDecoder().decode(await ctx.getArtifact(kept))).toBe(value);
    if (how === "throw" || (how === "retry" && ctx.attempt === 1)) throw secretError();
    if (how === "long error") throw new Error(`${"y".repeat(1_990)}${value}`);
    if (how === "bad result") return { note: 1, value, [value]: long } as never;
    return { note: `done with ${value}`, list: [url, basic, long] } as never;
  };
  const runseal = createRunseal({
    catalog,
    stores,
    policy: allowAll(),
    logger: (line) => lines.push(line),
    secrets: source,
    io: { transports: { echo: () => ({ call: async (request) => ({ request, again: basic }) }) } },
    handlers: {
      "vault.use": handle,
      "vault.wait": async ({ token }, ctx) => {
        await ctx.secret(token);
        return ctx.park();
      },
      "vault.show": async ({ note }) => ({ seen: note }),
      "vault.quote": async (_args, ctx) => {
        const text = await ctx.secret("bank");
        ctx.log(`quotes ${text}`, { text });
        return { text };
      },
    },
  });
  return { runseal, lines, told, plain };
}

/** Runs everything that could leave a trace; gives what callers saw. */
async function play({ runseal }: Scene): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  const see = async (promise: Promise<unknown>): Promise<unknown> => {
    const what = await promise.then(
      (value) => value,
      (error: unknown) => error,
    );
    seen.push(what);
    return what;
  };
  const token = secretRef("bank");
  for (const how of ["well", "retry", "throw", "long error", "bad result"]) {
    const outcome = await runseal.compile({ name: "vault.work", args: { account: "a-1", token, how } }, { intent: how });
    if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
    seen.push(outcome, await runseal.dryRun(outcome.runbook.id));
    const run = await runseal.execute(outcome.runbook.id);
    await see(run.result());
    const bundle = await runseal.export(run.runId);
    seen.push(await run.status(), await runseal.verify(run.runId), bundle, verifyBundle(bundle));
    for await (const event of runseal.history(run.runId)) seen.push(event);
  }
  // from here on the value is known: nobody may hand it in either
  await see(runseal.compile({ name: "vault.work", args: { account: "a-1", token: CANARY, how: "x" } }));
  await see(runseal.compile({ name: "vault.work", args: { account: "a-1", token, how: CANARY } }));
  await see(runseal.compile({ name: "vault.work", args: { account: CANARY, token, how: "x" } }, { intent: `for ${CANARY}` }));
  await see(runseal.run("vault.asked", {}));
  const parked = await runseal.compile({ name: "vault.wait", args: { account: "a-2", token } }, { intent: "wait", uses: "many" });
  if (parked.kind !== "compiled") throw new TypeError(parked.kind);
  const { id } = parked.runbook;
  await see(runseal.execute(id, { dedupKey: "d", labels: { note: CANARY } }));
  await see(runseal.execute(id, { dedupKey: `d${Buffer.from(CANARY).toString("hex")}` }));
  const run = await runseal.execute(id, { dedupKey: "good" });
  await see(run.result());
  await see(runseal.signal(run.runId, CANARY, { answer: "x" }));
  const wait = (await run.status()).steps[0]?.wait?.key ?? "";
  await see(runseal.signal(run.runId, wait, { answer: `it is ${CANARY}` }));
  await see(runseal.resume(run.runId));
  await see(run.result());
  const other = await runseal.execute(id, { dedupKey: "other" });
  await see(other.result());
  await see(runseal.signal(other.runId, "early", { [CANARY]: url }));
  await see(runseal.cancel(other.runId, `because of ${CANARY}`));
  seen.push(await other.status(), await run.status());
  const queued = await runseal.submit(id, { dedupKey: "queued" });
  await see(runseal.cancel(queued.runId, `because of ${basic}`));
  seen.push(await queued.status(), await runseal.list());
  for (const each of [run, other, queued]) {
    for await (const event of runseal.history(each.runId)) seen.push(event);
    const bundle = await runseal.export(each.runId);
    seen.push(bundle, verifyBundle(bundle));
  }
  return seen;
}

function written(values: readonly unknown[]): string {
  return values
    .map(
      (value) =>
        `${JSON.stringify(value)} ${inspect(value, { depth: 20, maxStringLength: null, maxArrayLength: null })} ${value instanceof Error ? String(value.stack) + inspect(value.cause) : ""}`,
    )
    .join("\n");
}

const folders: string[] = [];
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "runseal-canary-"));
  folders.push(path);
  return path;
}
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true });
});

describe("a canary that was handed out as a secret", () => {
  test("leaves no trace in any file of a SQLite store, log line, error, answer or bundle (D-090, D-091, D-092, reliability rows 88 and 90)", async () => {
    const path = folder();
    const own = scene(openSqlite(join(path, "runs.db")));
    const seen = await play(own);
    const open = join(folder(), "while-open");
    cpSync(path, open, { recursive: true });
    await own.runseal.close();
    expect(own.plain.length).toBeGreaterThan(4);
    expect(new Set(own.plain)).toEqual(new Set([CANARY]));
    const files = [path, open].flatMap((place) => readdirSync(place).map((name) => join(place, name)));
    expect(files.some((name) => name.endsWith("-wal"))).toBe(true);
    expect(files.flatMap((name) => tracesIn(name.slice(-16), readFileSync(name)))).toEqual([]);
    expect(tracesIn("log", written(own.lines))).toEqual([]);
    expect(tracesIn("handlers", written(own.told))).toEqual([]);
    expect(tracesIn("callers", written(seen))).toEqual([]);
    // the search itself sees something
    const everything = Buffer.concat(files.map((name) => readFileSync(name)));
    expect(
      everything.includes("[REDACTED]") && everything.includes("secret:bank") && everything.includes("runseal/secret/1 k1 "),
    ).toBe(true);
    expect(own.lines.length).toBeGreaterThan(4);
    expect(tracesIn("itself", `${JSON.stringify({ CANARY })} ${basic}`).length).toBeGreaterThan(2);
  });

  test("is answered for in every refusal and every record alike over the memory store (D-090, D-091, reliability rows 88 and 90)", async () => {
    const own = scene(memoryStores());
    const seen = await play(own);
    expect(tracesIn("all", written([...seen, ...own.lines, ...own.told]))).toEqual([]);
    const codes = seen.flatMap((value) => (value instanceof Error ? [(value as Error & { code: string }).code] : []));
    expect(codes.filter((code) => code === "secret.detected")).toHaveLength(6);
    const ends = seen.flatMap((value) =>
      value !== null && typeof value === "object" && "status" in value && "runId" in value && "output" in value ? [value] : [],
    );
    expect(JSON.stringify(ends[0])).toContain("done with [REDACTED]");
    for (const value of seen)
      if (value !== null && typeof value === "object" && "integrity" in value)
        expect(value).toMatchObject({ isSound: true, integrity: "ok" });
    const lookup = await own.runseal.compile({ name: "vault.asked", args: {} });
    expect(lookup).toMatchObject({ kind: "compilation_error" });
    expect(JSON.stringify(lookup)).toContain("holds a secret that was handed out, and answers are sealed");
    await own.runseal.close();
  });
});

describe("secrets of a run", () => {
  const only = (more: { readonly secrets?: SecretSource; readonly body?: (ctx: StepContext) => Promise<string> } = {}) =>
    createRunseal({
      catalog,
      stores: memoryStores(),
      policy: allowAll(),
      ...(more.secrets === undefined ? {} : { secrets: more.secrets }),
      handlers: {
        "vault.use": async (_args, ctx) => ({ note: (await more.body?.(ctx)) ?? "", list: [] }),
        "vault.wait": async (_args, ctx) => ctx.park(),
        "vault.show": async ({ note }) => ({ seen: note }),
        "vault.quote": async () => ({ text: "" }),
      },
    });
  const invocation = { name: "vault.work", args: { account: "a-1", token: "secret:bank", how: "x" } };

  test("that the host does not have keep a runbook from starting, and a dry run says so (decisions 3.2 and 4.6)", async () => {
    for (const secrets of [undefined, { resolve: () => "", has: () => false }] as const) {
      const runseal = only(secrets === undefined ? {} : { secrets });
      const outcome = await runseal.compile(invocation, { intent: "t" });
      const { id } = outcome.kind === "compiled" ? outcome.runbook : { id: "" };
      await expect(runseal.execute(id)).rejects.toMatchObject({ code: "admission.secret_unresolved", details: { name: "bank" } });
      expect((await runseal.dryRun(id)).blockers.map(({ code }) => code)).toEqual(["admission.secret_unresolved"]);
      expect(await runseal.list()).toEqual([]);
      await runseal.close();
    }
  });

  test("a value in place of a reference is asked for again, and not repeated (D-090)", async () => {
    const runseal = only({ secrets: source });
    const outcome = await runseal.compile({ ...invocation, args: { ...invocation.args, token: "hunter2-canary" } });
    expect(outcome.kind).toBe("clarification");
    expect(JSON.stringify(outcome)).not.toContain("canary");
    expect(JSON.stringify(outcome)).toContain("is no reference to a secret");
    expect(outcome).toMatchObject({ context: { extractedArgs: { account: "a-1", token: "[REDACTED]" } } });
    await runseal.close();
  });

  test("a reference that the sealed arguments don't hold is not answered; a name of the handler's own is (decision 4.6)", async () => {
    const answers: unknown[] = [];
    const body = async (ctx: StepContext): Promise<string> => {
      for (const name of ["secret:other", "other", "secret:bank", "none", "a b"]) {
        answers.push(
          await ctx.secret(name).then(
            () => "given",
            (error: unknown) => (error as { code: string }).code,
          ),
        );
      }
      return "";
    };
    const values: Record<string, string> = { bank: "bank-value", other: "other-value" };
    const runseal = only({ body, secrets: { resolve: (name) => values[name] ?? (undefined as never) } });
    await runseal.run("vault.work", { account: "a-1", token: "secret:bank", how: "x" });
    expect(answers).toEqual(["secret.not_sealed", "given", "given", "secret.unresolved", "secret.unresolved"]);
    await runseal.close();
  });

  test("what is kept encrypted opens in its run alone; bytes that only look so are refused; JSON with a credential too (D-091, D-092)", async () => {
    const ids: string[] = [];
    const results: unknown[] = [];
    const body = async (ctx: StepContext): Promise<string> => {
      const [first] = ids;
      if (first !== undefined)
        results.push(await ctx.getArtifact(first).catch((error: unknown) => (error as { code: string }).code));
      ids.push(await ctx.putArtifact("secret_payload", new Uint8Array([1, 2, 3])));
      results.push(await ctx.getArtifact(ids.at(-1) ?? ""));
      for (const content of [
        `runseal/secret/1 k1 ${"0".repeat(24)} ${"0".repeat(64)}\nx`,
        JSON.stringify({ user: { password: "hunter2-hunter2" } }),
      ]) {
        results.push(await ctx.putArtifact("report", content).catch((error: unknown) => (error as { code: string }).code));
      }
      return await ctx.putArtifact("report", "{ no JSON");
    };
    const runseal = only({ body, secrets: source });
    await runseal.run("vault.work", { account: "a-1", token: "secret:bank", how: "x" });
    await runseal.run("vault.work", { account: "a-1", token: "secret:bank", how: "x" });
    const own = new Uint8Array([1, 2, 3]);
    expect(results).toEqual([
      own,
      "artifact.invalid",
      "secret.detected",
      "secret.key_wrong",
      own,
      "artifact.invalid",
      "secret.detected",
    ]);
    const [run] = await runseal.list();
    const written: unknown[] = [];
    for await (const event of runseal.history(run?.runId ?? ""))
      if (event.kind === "artifact.written") written.push(event.payload);
    expect(written).toContainEqual(
      expect.objectContaining({
        kind: "secret_payload",
        artifactId: ids[1],
        meta: expect.objectContaining({ keyId: "k1", keyedDigest: expect.stringMatching(/^[0-9a-f]{64}$/) }),
      }),
    );
    await runseal.close();
  });
});
