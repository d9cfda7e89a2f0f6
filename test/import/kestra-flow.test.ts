import { describe, expect, test } from "vitest";
import { importKestraFlow } from "../../examples/import/kestra-flow.js";
import { planImported } from "./compile-imported.js";

interface Json {
  readonly [member: string]: unknown;
}

const CORE = "io.kestra.plugin.core";
const log = (id: string, message = "m", more: Json = {}): Json => ({ id, type: `${CORE}.log.Log`, message, ...more });
const group = (id: string, kind: string, tasks: readonly Json[], more: Json = {}): Json => ({
  id,
  type: `${CORE}.flow.${kind}`,
  tasks,
  ...more,
});
const flow = (tasks: readonly Json[], more: Json = {}): Json => ({ id: "f", namespace: "n", tasks, ...more });
const refusals = (document: unknown): readonly string[] =>
  importKestraFlow(document).report.refusals.map(({ code, pointer }) => `${code} ${pointer}`);
const planned = (document: unknown, args?: Json) => {
  const { plan } = planImported(importKestraFlow(document), args);
  return plan.steps.map((step) => ({ id: step.id, after: plan.dependsOn.get(step.id) ?? [], args: step.args as Json }));
};
const order = (document: unknown): readonly string[] => planned(document).map((step) => `${step.id}<${step.after.join()}`);

describe("tasks of a Kestra flow", () => {
  test("run one after another at the top", () => {
    expect(order(flow([log("a"), log("b"), log("c")]))).toEqual(["a<", "b<a", "c<b"]);
  });

  test("of groups in groups run as their groups say, between what stands around", () => {
    const dag = group("g", "Dag", [
      { task: log("g3"), dependsOn: ["g2"] },
      { task: group("g2", "Sequential", [log("s1"), log("s2")]), dependsOn: ["g1"] },
      { task: log("g1") },
    ]);
    const document = flow([log("first"), group("p", "Parallel", [log("p1"), dag]), log("last")]);
    expect(order(document)).toEqual(["first<", "p1<first", "g1<first", "s1<g1", "s2<s1", "g3<s2", "last<g3,p1"]);
  });

  test("have a verb per type: what only logs is pure, plugins write and are for a person in doubt", () => {
    const tasks = [
      log("a"),
      {
        id: "b",
        type: "io.kestra.plugin.jdbc.Query",
        sql: "select 1",
        retry: { type: "constant", maxAttempt: 4 },
        timeout: "PT1M30S",
      },
      { id: "c", type: `${CORE}.flow.Pause` },
      { id: "d", type: `${CORE}.flow.Pause`, delay: "PT5M" },
    ];
    const contracts = importKestraFlow(flow(tasks)).verbs.map(({ contract }) => [
      contract.name,
      contract.effect,
      contract.recovery,
      contract.mode,
      contract.retry.attemptsMax,
      contract.timeoutMs,
    ]);
    expect(contracts).toEqual([
      ["kestra.core_log_log", "pure", undefined, "sync", 1, 300_000],
      ["kestra.jdbc_query_4_tries_90_s", "write", "manual", "sync", 4, 90_000],
      ["kestra.core_flow_pause", "read", undefined, "human_gate", 1, 300_000],
      ["kestra.core_flow_pause_2", "read", undefined, "durable", 1, 300_000],
    ]);
  });

  test("read inputs, variables, outputs, and what the engine knows", () => {
    const document = flow(
      [
        log("a", "{{ inputs.who }} {{ vars.v }} {{ task.id }} {{ flow.namespace }}.{{ flow.id }} {{ execution.id }}"),
        log("b", "{{ outputs.a.value['x'] }}"),
        log("c", "{{ secret('KEY') }} {{ taskrun.id }} {{ task.id }} {{ vars.v }}"),
      ],
      { inputs: [{ id: "who", type: "STRING" }], variables: { v: 3 } },
    );
    const [a, b, c] = planned(document, { who: "me" });
    expect(a?.args).toEqual({ properties: { message: "me 3 a n.f bound execution.id" } });
    expect(b?.args).toEqual({ properties: { message: { $: "result", step: "a", path: ["value", "x"] } } });
    expect(c?.args).toEqual({ properties: { message: "{{ secret('KEY') }} {{ taskrun.id }} c 3" } });
  });

  test("that are disabled are left out", () => {
    const document = flow([log("a"), log("b", "m", { disabled: true }), log("c")]);
    expect(order(document)).toEqual(["a<", "c<a"]);
    expect(importKestraFlow(document).report.notes.map((note) => note.message)).toEqual(['"b" is disabled and is left out']);
  });

  test("are refused where they choose, loop or run other flows", () => {
    const of = (kind: string): readonly string[] => refusals(flow([group("x", kind, [])]));
    expect(of("If")).toEqual(["import.run_time_choice /tasks/0/type"]);
    expect(of("Switch")).toEqual(["import.run_time_choice /tasks/0/type"]);
    expect(of("ForEach")).toEqual(["import.loop /tasks/0/type"]);
    expect(of("Subflow")).toEqual(["import.sub_workflow /tasks/0/type"]);
    expect(of("WorkingDirectory")).toEqual(["import.unknown_construct /tasks/0/type"]);
    expect(refusals(flow([{ id: "x", type: "some.Plugin", tasks: [] }]))).toEqual(["import.unknown_construct /tasks/0/type"]);
    expect(refusals(flow([log("a", "m", { allowFailure: true })]))).toEqual(["import.run_time_choice /tasks/0/allowFailure"]);
    expect(refusals(flow([log("a", "m", { runIf: "{{ x }}" })]))).toContain("import.run_time_choice /tasks/0/runIf");
    expect(refusals(flow([log("a", "{{ now() }}")]))).toEqual(["import.expression /tasks/0/message"]);
    expect(refusals(flow([log("a", "{% if x %}")]))).toEqual(["import.expression /tasks/0/message"]);
    expect(refusals(flow([log("a", "m", { timeout: "soon" })]))).toEqual(["import.wrong_type /tasks/0/timeout"]);
  });

  test("are refused where names are wrong: of nothing, later, twice, in a circle", () => {
    const dag = (...tasks: readonly Json[]): Json => flow([group("d", "Dag", tasks)]);
    expect(refusals(dag({ task: log("a"), dependsOn: ["z"] }))).toEqual([
      "import.unknown_reference /tasks/0/tasks/0/dependsOn/0",
    ]);
    expect(refusals(flow([log("a", "{{ outputs.b.v }}"), log("b")]))).toEqual(["import.unknown_reference /tasks/0/message"]);
    expect(refusals(flow([log("a", "{{ inputs.none }}")]))).toEqual(["import.unknown_reference /tasks/0/message"]);
    expect(refusals(flow([log("a"), group("s", "Sequential", [log("a")])]))).toEqual(["import.duplicate_name /tasks/1/tasks/0"]);
    expect(refusals(dag({ task: log("a"), dependsOn: ["a"] }))).toEqual(["import.cycle /tasks/0/tasks/0"]);
  });
});

describe("inputs of a Kestra flow", () => {
  test("become parameters with their types, choices and defaults", () => {
    const inputs = [
      { id: "s", type: "STRING", defaults: "x" },
      { id: "n", type: "INT" },
      { id: "b", type: "BOOLEAN", required: false },
      { id: "e", type: "SELECT", values: ["p", "q"] },
      { id: "t", type: "DATETIME" },
      { id: "j", type: "JSON" },
    ];
    const [macro] = importKestraFlow(flow([log("a")], { inputs })).macros;
    expect(macro?.definition.params).toMatchObject({
      fields: {
        s: { type: "default", value: "x" },
        n: { type: "integer" },
        b: { type: "optional", of: { type: "boolean" } },
        e: { type: "enum", values: ["p", "q"] },
        j: { type: "json" },
      },
      required: ["e", "j", "n", "t"],
    });
  });

  test("are refused where a plan can't hold them", () => {
    const of = (input: Json): readonly string[] => refusals(flow([log("a")], { inputs: [{ id: "i", ...input }] }));
    expect(of({ type: "SECRET" })).toEqual(["import.not_expressible /inputs/0/type"]);
    expect(of({ type: "BLOB" })).toEqual(["import.unknown_construct /inputs/0/type"]);
    expect(of({ type: "INT", defaults: "many" })).toEqual(["import.wrong_type /inputs/0/defaults"]);
    expect(of({ type: "STRING", defaults: "{{ now() }}" })).toEqual(["import.expression /inputs/0/defaults"]);
    expect(of({ id: "toString", type: "INT" })).toEqual(["import.not_expressible /inputs/0"]);
  });
});

describe("a Kestra document", () => {
  test("leaves out when it runs and who sees it, and gives its outputs", () => {
    const document = flow([log("a")], {
      triggers: [],
      labels: {},
      outputs: [{ id: "o", type: "STRING", value: "{{ outputs.a.v }}" }],
    });
    const { macros, report } = importKestraFlow(document);
    expect(report.notes.map((note) => note.pointer)).toEqual(["/labels", "/triggers"]);
    expect(macros[0]?.definition.output).toEqual({ o: { $: "result", step: "a", path: ["v"] } });
  });

  test.each([
    ["no object", "x", "import.wrong_type "],
    ["no id", { namespace: "n", tasks: [] }, "import.missing_member /id"],
    ["no tasks", { id: "f", namespace: "n" }, "import.missing_member /tasks"],
    ["a task without a type", flow([{ id: "a" }]), "import.missing_member /tasks/0/type"],
    ["an error handler", flow([log("a")], { errors: [log("e")] }), "import.run_time_choice /errors"],
    ["a member that is not known", flow([log("a")], { surprise: 1 }), "import.unknown_construct /surprise"],
  ])("is refused: %s", (_what, document, wanted) => {
    expect(refusals(document)).toContain(wanted);
  });

  test("of groups nested without end is refused", () => {
    let tasks: readonly Json[] = [log("a")];
    for (let depth = 0; depth < 60; depth += 1) tasks = [group(`g${depth}`, "Sequential", tasks)];
    expect(refusals(flow(tasks)).map((text) => text.split(" ")[0])).toEqual(["import.too_large"]);
  });
});
