import { describe, expect, test } from "vitest";
import { importArgoWorkflow, type ArgoOptions } from "../../examples/import/argo-workflow.js";
import { printTree } from "../../src/expression/print.js";
import { planImported } from "./compile-imported.js";

interface Json {
  readonly [member: string]: unknown;
}

const echo: Json = {
  name: "echo",
  inputs: { parameters: [{ name: "message" }] },
  container: { image: "busybox", command: ["echo", "{{inputs.parameters.message}}"] },
};
const task = (name: string, more: Json = {}, message = name): Json => ({
  name,
  template: "echo",
  arguments: { parameters: [{ name: "message", value: message }] },
  ...more,
});
const workflow = (templates: readonly Json[], spec: Json = {}): Json => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Workflow",
  metadata: { generateName: "test-" },
  spec: { entrypoint: "main", templates, ...spec },
});
const dag = (tasks: readonly Json[], more: Json = {}): readonly Json[] => [{ name: "main", dag: { tasks, ...more } }, echo];
const refusals = (document: unknown, options?: ArgoOptions): readonly string[] =>
  importArgoWorkflow(document, options).report.refusals.map(({ code, pointer }) => `${code} ${pointer}`);
const planned = (document: unknown, options?: ArgoOptions, args?: Json) => {
  const { plan } = planImported(importArgoWorkflow(document, options), args);
  return plan.steps.map((step) => ({
    id: step.id,
    after: plan.dependsOn.get(step.id) ?? [],
    args: step.args as Json,
    when: step.when === undefined ? null : printTree(step.when),
  }));
};
const order = (document: unknown): readonly string[] => planned(document).map((step) => `${step.id}<${step.after.join()}`);

describe("tasks of an Argo DAG", () => {
  test("come after what dependencies or a conjunction of depends names, wherever they stand", () => {
    const tasks = [
      task("D", { depends: "(B.Succeeded && C)" }),
      task("B", { dependencies: ["A"] }),
      task("C", { depends: "A" }),
      task("A"),
    ];
    expect(order(workflow(dag(tasks)))).toEqual(["a<", "b<a", "c<a", "d<b,c"]);
  });

  test("hold the template with the arguments put in", () => {
    expect(planned(workflow(dag([task("A", {}, "hello")])))[0]?.args).toEqual({
      parameters: { message: "hello" },
      definition: { container: { image: "busybox", command: ["echo", "hello"] } },
    });
  });

  test("read each other's outputs", () => {
    const tasks = [task("A"), task("B", { depends: "A" }, "<{{tasks.A.outputs.result}} {{tasks.A.outputs.parameters.p}}>")];
    const [, b] = planned(workflow(dag(tasks)));
    expect(b?.args["parameters"]).toEqual({
      message: {
        $: "concat",
        of: ["<", { $: "result", step: "a", path: ["result"] }, " ", { $: "result", step: "a", path: ["parameters", "p"] }, ">"],
      },
    });
  });

  test("run for each of a list that the document holds, with a step per item", () => {
    const tasks = [
      task("each", { withItems: ["eu", "us"] }, "{{item}}"),
      task("count", { withSequence: { count: 2, format: "n%02d" } }, "{{item}}"),
      task("maps", { withItems: [{ os: "a", v: 1 }] }, "{{item.os}}"),
      task("last", { depends: "each && count" }),
    ];
    const steps = planned(workflow(dag(tasks)));
    expect(steps.map((step) => step.id)).toEqual([
      "each[eu]/each",
      "each[us]/each",
      "count[n00]/each",
      "count[n01]/each",
      "maps[0]/each",
      "last",
    ]);
    expect(steps[1]?.args["parameters"]).toEqual({ message: "us" });
    expect(steps[4]?.args["parameters"]).toEqual({ message: "a" });
    expect(steps[5]?.after).toEqual(["count[n00]/each", "count[n01]/each", "each[eu]/each", "each[us]/each"]);
  });

  test("run when a comparison holds; what comes after a skipped task runs all the same", () => {
    const when = '{{tasks.A.outputs.result}} == "heads" && {{workflow.parameters.on}} != no';
    const document = workflow(dag([task("A"), task("B", { depends: "A", when }), task("C", { depends: "B" })]), {
      arguments: { parameters: [{ name: "on", value: "yes" }] },
    });
    const { plan } = planImported(importArgoWorkflow(document));
    const [, b, c] = plan.steps;
    expect(printTree(b?.when ?? null)).toBe('all(eq(concat(a.result.result), "heads"), true)');
    expect(c?.optional).toEqual(["b"]);
  });

  test("are those that the targets need, decided while importing and fixed for the caller", () => {
    const tasks = [task("A"), task("B", { depends: "A" }), task("C", { depends: "A" }), task("D", { depends: "B && C" })];
    const document = workflow(dag(tasks, { target: "{{workflow.parameters.to}}" }), {
      arguments: { parameters: [{ name: "to", value: "C" }] },
    });
    expect(order(document)).toEqual(["a<", "c<a"]);
    expect(planned(document, { parameters: { to: "B C" } }).map((step) => step.id)).toEqual(["a", "b", "c"]);
    expect(planned(document, { parameters: { to: "" } }).map((step) => step.id)).toEqual(["a", "b", "c", "d"]);
    expect(() => planned(document, undefined, { to: "D" })).toThrow("not_in_enumeration");
    expect(refusals(document, { parameters: { to: "Z" } })).toEqual(["import.unknown_reference /spec/templates/0/dag/target"]);
  });

  test("are refused where they choose a way, loop or reach out while running", () => {
    const of = (more: Json): readonly string[] => refusals(workflow(dag([task("A"), task("B"), task("C", more)])));
    const at = (member: string): string => `/spec/templates/0/dag/tasks/2/${member}`;
    expect(of({ depends: "A || B" })).toEqual([`import.run_time_choice ${at("depends")}`]);
    expect(of({ depends: "A.Failed" })).toEqual([`import.run_time_choice ${at("depends")}`]);
    expect(of({ depends: "!A" })).toEqual([`import.run_time_choice ${at("depends")}`]);
    expect(of({ depends: "A", dependencies: ["B"] })).toEqual([`import.unknown_construct ${at("depends")}`]);
    expect(of({ withParam: "{{tasks.A.outputs.result}}" })).toEqual([`import.loop ${at("withParam")}`]);
    expect(of({ withItems: ["{{tasks.A.outputs.result}}"] })).toEqual([`import.loop ${at("withItems")}`]);
    expect(of({ withSequence: { count: "{{workflow.parameters.n}}" } })).toEqual([`import.loop ${at("withSequence")}`]);
    expect(of({ withSequence: { count: 1_000_000_000 } })).toEqual([`import.too_large ${at("withSequence")}`]);
    expect(of({ continueOn: { failed: true } })).toEqual([`import.run_time_choice ${at("continueOn")}`]);
    expect(of({ onExit: "echo" })).toEqual([`import.run_time_choice ${at("onExit")}`]);
    expect(of({ templateRef: { name: "x" } })).toContain(`import.sub_workflow ${at("templateRef")}`);
    expect(of({ surprise: 1 })).toEqual([`import.unknown_construct ${at("surprise")}`]);
    expect(of({ when: "{{tasks.A.status}} == Failed", depends: "A" })).toEqual([`import.run_time_choice ${at("when")}`]);
    expect(of({ when: "{{= 1 + 1 }} == 2" })).toEqual([`import.expression ${at("when")}`]);
    expect(of({ when: "( a == b )" })).toEqual([`import.expression ${at("when")}`]);
    expect(of({ when: "a == b && c == d || e == f" })).toEqual([`import.expression ${at("when")}`]);
  });

  test("are refused where a name is of nothing, stands twice, or the graph is a circle", () => {
    const at = (index: number, member = ""): string => `/spec/templates/0/dag/tasks/${index}${member}`;
    expect(refusals(workflow(dag([task("A", { depends: "Z" })])))).toEqual([`import.unknown_reference ${at(0, "/depends")}`]);
    expect(refusals(workflow(dag([task("A"), task("A")])))).toEqual([`import.duplicate_name ${at(1)}`]);
    expect(refusals(workflow(dag([task("A", { template: "none" })])))).toEqual([
      `import.unknown_reference ${at(0, "/template")}`,
    ]);
    expect(refusals(workflow(dag([task("A", {}, "{{tasks.B.outputs.result}}"), task("B")])))).toEqual([
      `import.unknown_reference ${at(0, "/arguments/parameters/0/value")}`,
    ]);
    expect(refusals(workflow(dag([task("A", { arguments: {} })])))).toEqual([
      "import.missing_member /spec/templates/1/inputs/parameters/0",
    ]);
    const circle = [task("A", { depends: "C" }), task("B", { depends: "A" }), task("C", { depends: "B" })];
    expect(importArgoWorkflow(workflow(dag(circle))).report.refusals).toEqual([
      { code: "import.cycle", pointer: at(0), message: "the steps wait for each other in a circle: A -> B -> C -> A" },
    ]);
  });
});

describe("templates of an Argo workflow", () => {
  test("that are lists of steps run group after group", () => {
    const steps = [[task("a")], [task("b1"), task("b2")], task("c")];
    expect(order(workflow([{ name: "main", steps }, echo]))).toEqual(["a<", "b1<a", "b2<a", "c<b1,b2"]);
  });

  test("that hold others become macros, and hand parameters and outputs on", () => {
    const inner: Json = {
      name: "inner",
      inputs: { parameters: [{ name: "who" }, { name: "how", value: "well" }] },
      outputs: { parameters: [{ name: "said", valueFrom: { parameter: "{{tasks.say.outputs.result}}" } }] },
      dag: { tasks: [task("say", {}, "{{inputs.parameters.who}} {{inputs.parameters.how}} {{workflow.parameters.where}}")] },
    };
    const outer = [
      { name: "call", template: "inner", arguments: { parameters: [{ name: "who", value: "you" }] } },
      task("after", { depends: "call" }, "{{tasks.call.outputs.parameters.said}}"),
    ];
    const document = workflow([{ name: "main", dag: { tasks: outer } }, inner, echo], {
      arguments: { parameters: [{ name: "where" }] },
    });
    expect(importArgoWorkflow(document).macros.map((macro) => macro.name)).toEqual(["workflow.inner_template", "workflow.test"]);
    const [say, after] = planned(document, undefined, { where: "here" });
    expect([say?.id, after?.id, after?.after]).toEqual(["call/say", "after", ["call/say"]]);
    expect(say?.args["parameters"]).toEqual({ message: "you well here" });
    expect(after?.args["parameters"]).toEqual({ message: { $: "result", step: "call/say", path: ["result"] } });
  });

  test("that do something are the whole workflow where the entry point is one", () => {
    const document = workflow([{ ...echo, name: "main" }], { arguments: { parameters: [{ name: "message", value: "hi" }] } });
    expect(planned(document)).toEqual([
      {
        id: "main",
        after: [],
        args: { parameters: { message: "hi" }, definition: { container: { image: "busybox", command: ["echo", "hi"] } } },
        when: null,
      },
    ]);
  });

  test("that suspend wait for a person, or for a time", () => {
    const modes = (suspend: Json): readonly (string | undefined)[] =>
      importArgoWorkflow(workflow([{ name: "main", suspend }])).verbs.map((verb) => verb.contract.mode);
    expect(modes({})).toEqual(["human_gate"]);
    expect(modes({ duration: "20s" })).toEqual(["durable"]);
  });

  test("that may be tried again carry that in their verb", () => {
    const [verb] = importArgoWorkflow(
      workflow([{ name: "main", container: {}, retryStrategy: { limit: "2" }, activeDeadlineSeconds: 60 }]),
    ).verbs;
    expect(verb?.contract).toMatchObject({ name: "argo.main_3_tries", recovery: "manual", timeoutMs: 60_000 });
    expect(verb?.contract.retry.attemptsMax).toBe(3);
  });

  test("are refused where they call each other in a circle, hold nothing, or go on beside the others", () => {
    const calling = (name: string, template: string): Json => ({ name, dag: { tasks: [{ name: "t", template }] } });
    const circle = workflow([calling("main", "b"), calling("b", "c"), calling("c", "b")]);
    expect(importArgoWorkflow(circle).report.refusals.map((one) => one.message)).toEqual([
      "the templates call each other in a circle: b -> c -> b",
    ]);
    expect(refusals(workflow([calling("main", "main")]))).toEqual(["import.cycle /spec/templates/0"]);
    expect(refusals(workflow([{ name: "main" }]))).toEqual(["import.unknown_construct /spec/templates/0"]);
    expect(refusals(workflow([{ name: "main", container: {}, daemon: true }]))).toEqual([
      "import.run_time_choice /spec/templates/0/daemon",
    ]);
    expect(refusals(workflow([{ name: "main", dag: { tasks: [] } }]))).toEqual([
      "import.missing_member /spec/templates/0/dag/tasks",
    ]);
    const deep = Array.from({ length: 50 }, (_, index) => calling(index === 0 ? "main" : `t${index}`, `t${index + 1}`));
    expect(refusals(workflow(deep))).toEqual(["import.too_large /spec/templates/32"]);
  });
});

describe("an Argo document", () => {
  test("leaves what is about pods to the handlers, and says so", () => {
    const document = workflow(dag([task("A")]), { serviceAccountName: "x", ttlStrategy: {} });
    expect(importArgoWorkflow(document).report.notes.map((note) => note.pointer)).toEqual([
      "/spec/serviceAccountName",
      "/spec/ttlStrategy",
    ]);
  });

  test.each([
    ["no object", 7, "import.wrong_type "],
    ["no kind", { spec: {} }, "import.missing_member /kind"],
    ["a schedule", { ...workflow([]), kind: "CronWorkflow" }, "import.unknown_construct /kind"],
    ["no specification", { kind: "Workflow" }, "import.missing_member /spec"],
    ["no entry point", { kind: "Workflow", spec: { templates: [] } }, "import.missing_member /spec/entrypoint"],
    ["an entry point of nothing", workflow([]), "import.unknown_reference /spec/entrypoint"],
    ["an exit handler", workflow(dag([task("A")]), { onExit: "echo" }), "import.run_time_choice /spec/onExit"],
    [
      "templates of another document",
      workflow(dag([task("A")]), { workflowTemplateRef: {} }),
      "import.run_time_choice /spec/workflowTemplateRef",
    ],
    ["two templates of one name", workflow([...dag([task("A")]), echo]), "import.duplicate_name /spec/templates/2"],
    ["a member that is not known", workflow(dag([task("A")]), { surprise: 1 }), "import.unknown_construct /spec/surprise"],
  ])("is refused: %s", (_what, document, wanted) => {
    const { verbs, macros, report } = importArgoWorkflow(document);
    expect(report.refusals.map(({ code, pointer }) => `${code} ${pointer}`)).toContain(wanted);
    expect([verbs, macros, report.root]).toEqual([[], [], null]);
  });
});
