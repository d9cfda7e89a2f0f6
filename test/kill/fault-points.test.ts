import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCatalog, createRunseal, memoryStores } from "runseal";
import type { AnyEvent, RunView } from "runseal";
import { FAULT_POINTS, atFaultPoints } from "runseal/testing";
import type { PlotProcess } from "./process.js";
import { BuiltProcess } from "./built-process.js";
import { openPlot } from "./process.js";
import { plotScenarios } from "./scenarios.js";

const root = join(import.meta.dirname, "../..");
const names = Object.keys(plotScenarios);
const built = new BuiltProcess("victim");
const base = built.folder;

/** The fault points that an undisturbed process of each scenario passes, in order. */
const passed = new Map<string, readonly string[]>();
/** The fault points that a process died at. */
const killed = new Set<string>();
const undisturbed = new Map<string, unknown>();

beforeAll(async () => {
  await built.build();
  for (const name of names) {
    const folder = join(base, name);
    const { said, signal } = await live(folder, name, "none", 0);
    expect([signal, said.at(-1)], said.join("\n")).toEqual([null, "rested"]);
    passed.set(name, said.slice(0, -1));
    undisturbed.set(name, (await goOn(folder, name)).picture);
  }
}, 120_000);
afterAll(() => {
  built.remove();
});

/** Lives a scenario in a process of its own, which dies the n-th time that it passes a point. */
async function live(
  folder: string,
  name: string,
  point: string,
  nth: number,
): Promise<{ readonly said: readonly string[]; readonly signal: string | null }> {
  mkdirSync(folder, { recursive: true });
  const { text, signal } = await built.start([folder, name, point, String(nth)]).end;
  return { said: text.trim().split("\n"), signal };
}

async function eventsOf({ runseal }: PlotProcess, runId: string): Promise<readonly AnyEvent[]> {
  const events: AnyEvent[] = [];
  for await (const event of runseal.history(runId)) events.push(event);
  return events;
}

/** What the dead process has left that nobody may do again. */
async function durable(plot: PlotProcess): Promise<{ readonly steps: ReadonlySet<string>; readonly facts: ReadonlySet<string> }> {
  const steps = new Set<string>();
  const facts = new Set<string>();
  for (const run of await plot.runseal.list()) {
    for (const event of await eventsOf(plot, run.runId)) {
      if (event.kind === "step.completed") steps.add(event.payload.stepId);
      if (event.kind === "fact.recorded") facts.add(event.payload.key);
    }
  }
  return { steps, facts };
}

/** Goes on in this process with what another one left, to the end, and checks all that must hold. */
async function goOn(folder: string, name: string): Promise<{ readonly picture: unknown }> {
  const scenario = plotScenarios[name];
  if (scenario === undefined) throw new TypeError(name);
  const looking = openPlot(folder, () => undefined);
  const before = await durable(looking);
  const told = looking.outside.lines;
  await looking.runseal.close();

  const plot = openPlot(folder, () => undefined);
  if (scenario.begin === "recover") await plot.runseal.recover();
  await scenario.live(plot);
  const runs = await plot.runseal.list();
  expect(runs.map((run) => run.status)).toEqual(scenario.statuses);
  const picture = [];
  for (const { runId } of runs) {
    expect(await plot.runseal.verify(runId)).toMatchObject({ integrity: "ok", problems: [] });
    picture.push(pictureOf(await plot.runseal.status(runId), await eventsOf(plot, runId)));
  }
  await plot.runseal.close();

  const since = plot.outside.lines.slice(told.length);
  expect(since.filter((line) => line.what === "called" && before.steps.has(line.stepId))).toEqual([]);
  expect(since.filter((line) => line.what === "asked" && before.facts.has(line.key))).toEqual([]);
  const effects = plot.outside.lines.filter((line) => line.what === "effect");
  const expected = scenario.steps.filter((stepId) => stepId !== "fetched");
  expect(effects.map((line) => line.stepId).sort()).toEqual([...expected].sort());
  if (name === "undone") expect(effects.map((line) => line.stepId)).toEqual(expected);
  expect(new Set(effects.map((line) => line.key)).size).toBe(effects.length);
  // runs that began in one millisecond are listed in the order of chance
  return { picture: picture.map((run) => JSON.stringify(run)).sort() };
}

/** What must be the same whatever happened on the way. */
function pictureOf(view: RunView, events: readonly AnyEvent[]): unknown {
  const ended = events.filter((event) => ["run.completed", "run.failed", "run.canceled"].includes(event.kind));
  expect(ended).toHaveLength(1);
  const facts = events.flatMap((event) => (event.kind === "fact.recorded" ? [[event.payload.key, event.payload.payload]] : []));
  const steps = view.steps.map(({ stepId, status, result }) => ({ stepId, status, result }));
  return { status: view.status, output: view.output, steps, facts };
}

/** The places of a scenario: the first two or three times a point is passed. All begin alike; a renewal comes as often as the machine is slow. */
function places(name: string): readonly { readonly point: string; readonly nth: number }[] {
  return (passed.get(name) ?? [])
    .map((line) => line.split(" "))
    .map(([point = "", nth = "0"]) => ({ point, nth: Number(nth) }))
    .filter(({ point, nth }) => nth <= (point.startsWith("lease.") ? 1 : name === "long" ? 3 : 2))
    .filter(
      ({ point }) => name === "long" || !/^(seal|approve|submit|start)\./.test(point) || ["queued", "undone"].includes(name),
    );
}

function sourcesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
}

describe("kill -9 at every named fault point (reliability rows 1 to 10, A-143, D-075)", () => {
  test("only a token of the testing door arms the points: anything else is refused, and nothing in the environment does", () => {
    const options = { catalog: createCatalog({ verbs: [] }), stores: memoryStores() };
    const forged = { ...options, faultPoints: { reached: () => undefined } } as unknown;
    expect(() => createRunseal(forged as Parameters<typeof createRunseal>[0])).toThrow(
      expect.objectContaining({ code: "instance.misconfigured" }),
    );
    const armed = (): void => undefined;
    expect(createRunseal({ ...options, faultPoints: atFaultPoints(armed) }).scope).toBe("default");
    const reading = sourcesUnder(join(root, "src/engine")).filter((text) => /process\.env|\benv\[/.test(text));
    expect(reading).toEqual([]);
  });

  test.each(names)(
    "%s: killed at each place in turn, another process ends the run as if nothing had happened",
    { timeout: 240_000 },
    async (name) => {
      const queue = [...places(name)];
      expect(queue.length).toBeGreaterThanOrEqual(6);
      const work = async (): Promise<void> => {
        for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
          const { point, nth } = place;
          const folder = join(base, `${name}-${point}-${nth}`);
          const { said, signal } = await live(folder, name, point, nth);
          // who is faster, a step or the one beside it, is another matter each time: a place may not come again
          const last = signal === null ? "rested" : `${point} ${nth}`;
          expect([signal ?? "SIGKILL", said.at(-1)], said.join("\n")).toEqual(["SIGKILL", last]);
          if (signal !== null) killed.add(point);
          expect({ point, nth, ...(await goOn(folder, name)) }).toEqual({ point, nth, picture: undisturbed.get(name) });
        }
      };
      await Promise.all([work(), work()]);
    },
  );

  test("each point in the source has killed some process by now, and none is passed that is not in the list", () => {
    const reached = new Set([...passed.values()].flat().map((line) => line.split(" ")[0]));
    expect([...reached].sort()).toEqual([...FAULT_POINTS].sort());
    expect([...killed].sort()).toEqual([...FAULT_POINTS].sort());
    const literal = sourcesUnder(join(root, "src")).flatMap((text) =>
      [...text.matchAll(/faultPoint\??\.?\(\s*"([^"]+)"/g)].map((match) => match[1] ?? ""),
    );
    expect(literal.length).toBeGreaterThanOrEqual(8);
    expect(literal.filter((point) => !FAULT_POINTS.some((known) => known === point))).toEqual([]);
  });
});
