import { describe, expect, test } from "vitest";
import { fc, test as property } from "@fast-check/vitest";
import type { CompilationError } from "../../src/model/outcome.js";
import type { ExpandedStep } from "../../src/model/step.js";
import type { Plan } from "../../src/model/plan.js";
import type { StepWrites } from "../../src/model/write-set.js";
import type { Tree } from "../../src/model/expression.js";
import { planSteps } from "../../src/compile/plan.js";
import { result } from "./build.js";

interface Sketch {
  readonly id: string;
  readonly after?: readonly string[];
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
  readonly late?: readonly string[];
  readonly args?: Tree;
  readonly when?: Tree;
}

function expandedOf({ id, after = [], args = {}, when }: Sketch): ExpandedStep {
  return {
    id,
    verb: "any.verb@1",
    args,
    after,
    mode: "sync",
    optional: [],
    macro: null,
    ...(when === undefined ? {} : { when }),
  };
}

/** Entities are `kind:id`. */
function writesOf({ reads = [], writes = [], late = [] }: Sketch): StepWrites {
  const subject = (access: "read" | "write") => (name: string) => {
    const [kind = "", id = ""] = name.split(":");
    return { kind, id, access, source: "declared" as const };
  };
  return {
    reads: reads.map(subject("read")),
    writes: writes.map(subject("write")),
    lateWrites: late.map((kind) => ({ kind, pointer: "/x" })),
  };
}

function plan(sketches: readonly Sketch[]): Plan | CompilationError {
  return planSteps(sketches.map(expandedOf), new Map(sketches.map((sketch) => [sketch.id, writesOf(sketch)])));
}

function good(sketches: readonly Sketch[]): Plan {
  const made = plan(sketches);
  if ("errorKind" in made) expect.fail(made.message);
  return made;
}

/** `before > after: why` for every edge. */
function edges(sketches: readonly Sketch[]): readonly string[] {
  return good(sketches).edges.map(({ before, after, why }) => {
    const reason = why.kind === "entity" ? `${why.access} ${why.entityKind}:${why.entityId}` : why.kind;
    return `${before} > ${after}: ${reason}${why.kind === "late_write" ? ` ${why.entityKind}` : ""}`;
  });
}

describe("A-070 edges", () => {
  test("come from after, and from results read in arguments and in conditions, each once with its first reason", () => {
    const sketches = [
      { id: "a" },
      { id: "b", after: ["a"], args: { x: [result("a", "id")] } },
      { id: "c", args: { x: result("a") }, when: { $: "not", of: [result("b", "ok")] } },
    ] as const;
    expect(edges(sketches)).toEqual(["a > b: after", "a > c: result", "b > c: result"]);
    expect([...good(sketches).dependsOn]).toEqual([
      ["a", []],
      ["b", ["a"]],
      ["c", ["a", "b"]],
    ]);
  });

  test("decision 2.6 come from one entity: write before write, write before read, read before write; reads run together", () => {
    expect(
      edges([
        { id: "w1", writes: ["acc:1"] },
        { id: "r1", reads: ["acc:1"] },
        { id: "r2", reads: ["acc:1"] },
        { id: "w2", writes: ["acc:1"], reads: ["acc:1"] },
        { id: "w3", writes: ["acc:1"] },
        { id: "other", writes: ["acc:2", "card:1"] },
      ]),
    ).toEqual([
      "w1 > r1: write_read acc:1",
      "w1 > r2: write_read acc:1",
      "r1 > w2: read_write acc:1",
      "r2 > w2: read_write acc:1",
      "w2 > w3: write_write acc:1",
    ]);
  });

  test("a UUID is one entity under every kind and case", () => {
    const id = "0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e";
    const steps = [expandedOf({ id: "a" }), expandedOf({ id: "b" })];
    const touched = (kind: string, name: string): StepWrites => ({
      reads: [],
      writes: [{ kind, id: name, access: "write", source: "heuristic" }],
      lateWrites: [],
    });
    const made = planSteps(
      steps,
      new Map([
        ["a", touched("x", id)],
        ["b", touched("y", id.toUpperCase())],
      ]),
    );
    expect("edges" in made ? made.edges.length : -1).toBe(1);
  });

  test("decision 2.9 late writes keep their order among themselves and with known writes of their kind, not of others", () => {
    expect(
      edges([
        { id: "k1", writes: ["acc:1"] },
        { id: "k2", writes: ["acc:2"] },
        { id: "l1", late: ["acc"] },
        { id: "card", writes: ["card:1"] },
        { id: "k3", writes: ["acc:3"] },
        { id: "l2", late: ["acc", "card"] },
      ]),
    ).toEqual([
      "k1 > l1: late_write acc",
      "k2 > l1: late_write acc",
      "l1 > k3: late_write acc",
      "k3 > l2: late_write acc",
      "card > l2: late_write card",
    ]);
  });

  test("decision 2.6 an implicit edge is left out where explicit ones order the two the other way", () => {
    const sketches = [
      { id: "a", after: ["c"], writes: ["acc:1"] },
      { id: "b", writes: ["acc:1"] },
      { id: "c", writes: ["acc:1"] },
    ];
    expect(edges(sketches)).toEqual(["c > a: after", "a > b: write_write acc:1"]);
    expect(good(sketches).steps.map((step) => step.id)).toEqual(["c", "a", "b"]);
  });

  test("a pair that explicit edges leave open keeps the order of writing, even around one that they turn", () => {
    const sketches = [
      { id: "x", after: ["b"] },
      { id: "a", writes: ["acc:1"] },
      { id: "b", writes: ["acc:1"] },
    ];
    expect(edges(sketches)).toEqual(["b > x: after", "a > b: write_write acc:1"]);
  });

  test("of many steps on one entity that explicit edges tangle, every pair is ordered all the same", () => {
    const count = 300;
    const sketches = Array.from({ length: count }, (_, index) => ({
      id: `s${index}`,
      writes: ["acc:1"],
      after: index === 0 ? [`s${count - 1}`] : [],
    }));
    const made = good(sketches);
    expect(made.phases).toHaveLength(count);
    expect(made.steps.slice(0, 3).map((step) => step.id)).toEqual(["s299", "s0", "s1"]);
  });
});

describe("A-071 order", () => {
  test("X10 ties go by order of writing, phases are as early as possible, dependsOn is sorted", () => {
    const made = good([
      { id: "z" },
      { id: "b", after: ["z"] },
      { id: "a", after: ["z"] },
      { id: "m", after: ["b", "a"] },
      { id: "c" },
    ]);
    expect(made.steps.map((step) => step.id)).toEqual(["z", "b", "a", "m", "c"]);
    expect(made.phases).toEqual([["z", "c"], ["b", "a"], ["m"]]);
    expect(made.dependsOn.get("m")).toEqual(["a", "b"]);
    expect(made.diagnostics).toEqual([]);
  });

  test("a step that runs before one written earlier is remarked", () => {
    expect(good([{ id: "a", after: ["b"] }, { id: "b" }, { id: "c" }]).diagnostics).toMatchObject([
      { code: "plan.reordered", severity: "warning", path: "b", related: ["b", "a"] },
    ]);
  });

  test("A-072 a single step is phase 0", () => {
    expect(good([{ id: "main" }])).toMatchObject({ phases: [["main"]], edges: [], diagnostics: [] });
  });

  property.prop([
    fc.array(fc.record({ after: fc.array(fc.nat(30)), reads: fc.array(fc.nat(4)), writes: fc.array(fc.nat(4)) }), {
      minLength: 1,
      maxLength: 30,
    }),
  ])("every plan keeps every edge, orders every pair on one entity, and sets phases to the longest path", (raw) => {
    const sketches = raw.map(({ after, reads, writes }, index) => ({
      id: `s${index}`,
      after: after.filter((other) => other !== index && other < raw.length).map((other) => `s${other}`),
      reads: reads.map((id) => `acc:${id}`),
      writes: writes.map((id) => `acc:${id}`),
    }));
    const made = plan(sketches);
    if ("errorKind" in made) {
      const { cycle = [] } = made;
      expect(made.errorKind).toBe("dag_error");
      expect(cycle.length).toBeGreaterThan(1);
      expect(cycle[0]).toBe(cycle.at(-1));
      for (const [index, id] of cycle.slice(1).entries()) {
        expect(sketches.find((sketch) => sketch.id === id)?.after).toContain(cycle[index]);
      }
      return;
    }
    const position = new Map(made.steps.map((step, index) => [step.id, index]));
    const depth = new Map<string, number>();
    for (const { id } of made.steps) {
      const before = made.dependsOn.get(id) ?? [];
      expect(before.every((other) => (position.get(other) ?? 99) < (position.get(id) ?? -1))).toBe(true);
      depth.set(id, Math.max(-1, ...before.map((other) => depth.get(other) ?? 99)) + 1);
    }
    expect(made.phases.flatMap((phase, index) => phase.map((id) => [id, index] as const)).sort()).toEqual([...depth].sort());
    const reach = new Map(made.steps.map((step): [string, Set<string>] => [step.id, new Set()]));
    for (const { id } of made.steps) {
      for (const before of made.dependsOn.get(id) ?? []) {
        reach.get(id)?.add(before);
        for (const further of reach.get(before) ?? []) reach.get(id)?.add(further);
      }
    }
    for (const [index, first] of sketches.entries()) {
      for (const second of sketches.slice(index + 1)) {
        const touches = (sketch: Sketch): readonly string[] => [...(sketch.reads ?? []), ...(sketch.writes ?? [])];
        const isShared =
          first.writes.some((entity) => touches(second).includes(entity)) ||
          second.writes.some((entity) => touches(first).includes(entity));
        if (isShared)
          expect(reach.get(first.id)?.has(second.id) === true || reach.get(second.id)?.has(first.id) === true).toBe(true);
      }
    }
  });

  property.prop([
    fc.array(fc.record({ reads: fc.array(fc.nat(4)), writes: fc.array(fc.nat(4)) }), { minLength: 1, maxLength: 30 }),
  ])("decision 2.6 without edges against it, the order of writing is kept", (raw) => {
    const made = good(
      raw.map(({ reads, writes }, index) => ({
        id: `s${index}`,
        reads: reads.map((id) => `acc:${id}`),
        writes: writes.map((id) => `acc:${id}`),
      })),
    );
    expect(made.steps.map((step) => step.id)).toEqual(raw.map((_, index) => `s${index}`));
  });
});

describe("dag_error", () => {
  test.each([
    ["itself", [{ id: "a", after: ["a"] }], ["a", "a"]],
    [
      "two steps",
      [
        { id: "a", after: ["b"] },
        { id: "b", after: ["a"] },
      ],
      ["a", "b", "a"],
    ],
    [
      "three steps, by after and by results",
      [{ id: "x" }, { id: "a", after: ["c"] }, { id: "b", args: result("a") }, { id: "c", when: result("b") }],
      ["a", "b", "c", "a"],
    ],
  ])("X11 a circle of %s gives its real path", (_name, sketches, cycle) => {
    expect(plan(sketches as readonly Sketch[])).toMatchObject({
      errorKind: "dag_error",
      sourcePhase: "plan",
      cycle,
      findings: [{ code: "plan.cycle", related: cycle }],
      message: expect.stringContaining(cycle.join(" -> ")),
    });
  });

  test("A-071 every dependency on what is no step is listed", () => {
    expect(
      plan([
        { id: "a", after: ["x"], args: result("y") },
        { id: "b", after: ["a", "z"] },
      ]),
    ).toMatchObject({
      errorKind: "dag_error",
      findings: [
        { code: "plan.unresolved_dependency", path: "a", related: ["x"] },
        { code: "plan.unresolved_dependency", path: "a", related: ["y"] },
        { code: "plan.unresolved_dependency", path: "b", related: ["z"] },
      ],
    });
  });

  test("A-071, D-033 an empty plan is refused", () => {
    expect(plan([])).toMatchObject({ errorKind: "dag_error", findings: [{ code: "plan.empty" }] });
  });
});

test("100,000 steps in one chain, and as many in one fan, are planned without a stack overflow", () => {
  const chain = Array.from({ length: 100_000 }, (_, index) => ({ id: `s${index}`, after: index === 0 ? [] : [`s${index - 1}`] }));
  expect(good(chain).phases).toHaveLength(100_000);
  const fan = Array.from({ length: 100_000 }, (_, index) => ({ id: `s${index}`, after: index === 0 ? [] : ["s0"] }));
  expect(good(fan).phases.map((phase) => phase.length)).toEqual([1, 99_999]);
});
