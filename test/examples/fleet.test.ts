import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { until } from "../kill/until.js";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "examples/fleet");
const SLOW = { timeout: 90_000 };

interface Running {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly end: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** Runs a command as it stands somewhere, from the root of the checkout. */
function run(command: readonly string[], env: Readonly<Record<string, string>>): Running {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const end = new Promise<Awaited<Running["end"]>>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await end;
  });
  return { child, said: () => text, end };
}

async function said(running: Running, text: string): Promise<void> {
  await until(() => {
    if (running.child.exitCode !== null && !running.said().includes(text)) throw new TypeError(running.said());
    return running.said().includes(text);
  });
}

const database = `fleet_${process.pid}`;
let databaseUrl: string;

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject("databaseUrl") });
  await client.connect();
  await client.query(sql);
  await client.end();
}

beforeAll(async () => {
  await administer(`CREATE DATABASE ${database}`);
  const url = new URL(inject("databaseUrl"));
  url.pathname = `/${database}`;
  databaseUrl = url.href;
});
afterAll(async () => {
  await administer(`DROP DATABASE ${database} WITH (FORCE)`);
});

interface Service {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly stop_signal?: NodeJS.Signals;
  readonly stop_grace_period?: string;
  readonly deploy?: { readonly replicas: number };
  readonly depends_on: Readonly<Record<string, { readonly condition: string }>>;
}

const compose = parse(readFileSync(join(folder, "docker-compose.yml"), "utf8"), { merge: true }) as {
  readonly services: Readonly<Record<"postgres" | "migrate" | "api" | "worker", Service>>;
};

/** The sections of a unit file: `[section, name, value]` of every line. */
const unit = readFileSync(join(folder, "runseal-worker@.service"), "utf8")
  .split("\n")
  .reduce<{ section: string; lines: (readonly [string, string, string])[] }>(
    ({ section, lines }, line) => {
      const title = /^\[(.+)\]$/.exec(line)?.[1];
      const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) lines.push([section, name, value]);
      return { section: title ?? section, lines };
    },
    { section: "", lines: [] },
  ).lines;
const inService = (name: string): string => unit.find(([section, found]) => section === "Service" && found === name)?.[2] ?? "";

describe("the fleet example", () => {
  test("kills the worker that drives a run, and another one finishes it: each customer charged once", SLOW, async () => {
    const script = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> }).scripts[
      "fleet"
    ];
    expect(script).toBe("tsx examples/fleet/main.ts");
    const demo = run([process.execPath, "--import", "tsx", "examples/fleet/main.ts"], { DATABASE_URL: databaseUrl });
    expect(await demo.end, demo.said()).toEqual({ code: 0, signal: null });
    const text = demo.said();
    expect(text).toMatch(/worker-[123] is killed/);
    expect(text).toContain("another worker holds the run");
    expect(text).toContain("run is completed: 12 of 12 steps");
    expect(text).toMatch(/epoch 2 {2}run\.completed/);
    expect(text.match(/^ {3}\w+ +1 payment, /gm)).toHaveLength(4);
    const drivers = new Set(text.match(/worker-[123](?=$|, attempt)/gm));
    expect(drivers.size).toBeGreaterThanOrEqual(2);
  });

  test(
    "its compose file has commands that work: migrated, submitted over HTTP, done by a worker, ended in order",
    SLOW,
    async () => {
      const { migrate, api, worker, postgres } = compose.services;
      expect(worker.deploy?.replicas).toBe(3);
      expect(Object.keys(worker.depends_on)).toEqual(["migrate"]);
      expect(api.depends_on["migrate"]?.condition).toBe("service_completed_successfully");
      expect(postgres.command.join(" ")).not.toContain("fsync");
      const here = (service: Service): Readonly<Record<string, string>> => ({
        ...service.environment,
        DATABASE_URL: databaseUrl,
      });
      for (const service of [migrate, api, worker]) {
        expect(service.environment["DATABASE_URL"]).toMatch(/^postgres:\/\/postgres:\S+@postgres:5432\/postgres$/);
      }
      const migrated = run(migrate.command, here(migrate));
      expect(await migrated.end, migrated.said()).toEqual({ code: 0, signal: null });
      expect(migrated.said()).toContain("is up to date");

      const listening = run(api.command, { ...here(api), HOST: "127.0.0.1", PORT: "0" });
      const working = run(worker.command, here(worker));
      await Promise.all([said(listening, "api listens on"), said(working, "worker works")]);
      const at = `http://127.0.0.1:${/listens on (\d+)/.exec(listening.said())?.[1] ?? ""}`;
      const order = { month: `2026-11`, customers: ["gil", "hana"] };
      const post = async (body: string) => fetch(`${at}/bills`, { method: "POST", body });
      const submitted = await post(JSON.stringify(order));
      const { runId } = (await submitted.json()) as { runId: string };
      expect(submitted.status).toBe(202);
      const again = (await (await post(JSON.stringify(order))).json()) as { runId: string };
      expect(again.runId).toBe(runId);
      expect((await post("{")).status).toBe(400);
      expect((await post("{}")).status).toBe(422);
      expect((await post(`"${"x".repeat(70_000)}"`)).status).toBe(400);
      expect((await fetch(`${at}/runs/nobody`)).status).toBe(404);
      expect((await fetch(`${at}/elsewhere`)).status).toBe(404);
      expect(await (await fetch(`${at}/healthz`)).json()).toEqual({ ok: true });
      await until(async () => ((await (await fetch(`${at}/runs/${runId}`)).json()) as { status: string }).status === "completed");

      expect(worker.stop_grace_period).toBe("30s");
      working.child.kill(worker.stop_signal ?? "SIGKILL");
      listening.child.kill("SIGTERM");
      expect(await working.end, working.said()).toEqual({ code: 0, signal: null });
      expect(await listening.end, listening.said()).toEqual({ code: 0, signal: null });
      expect(working.said()).toContain("worker has handed over");
    },
  );

  test("its systemd unit starts a worker of that instance, and ends it in order", SLOW, async () => {
    expect(unit.map(([section]) => section)).toContain("Install");
    expect(inService("WorkingDirectory")).toBe("/opt/fleet");
    expect([inService("Restart"), inService("TimeoutStopSec"), inService("KillMode")]).toEqual(["always", "30", "mixed"]);
    const environment = inService("Environment")
      .split(" ")
      .map((pair) => pair.replaceAll("%H", "host").replaceAll("%i", "7").split("="))
      .map(([name = "", value = ""]) => [name, value] as const);
    expect(Object.fromEntries(environment)).toEqual({ WORKER_NAME: "host-7", NODE_ENV: "production" });
    const migrated = run(compose.services.migrate.command, { DATABASE_URL: databaseUrl });
    expect((await migrated.end).code, migrated.said()).toBe(0);
    const command = inService("ExecStart").split(" ");
    expect(command[0]).toMatch(/^\//);
    const worker = run(command, { ...Object.fromEntries(environment), DATABASE_URL: databaseUrl });
    await said(worker, "host-7 works");
    worker.child.kill(inService("KillSignal") as NodeJS.Signals);
    expect(await worker.end, worker.said()).toEqual({ code: 0, signal: null });
    expect(worker.said()).toContain("host-7 has handed over");
  });

  test("without a database it says what is missing", SLOW, async () => {
    const worker = run(compose.services.worker.command, { WORKER_NAME: "w", DATABASE_URL: "" });
    expect(await worker.end).toEqual({ code: 2, signal: null });
    expect(worker.said()).toContain("DATABASE_URL is not set");
  });
});
