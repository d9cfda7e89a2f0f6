import { describe, expect, test } from "vitest";
import { importDagman } from "../../examples/import/dagman.js";
import { importPegasusDax } from "../../examples/import/pegasus-dax.js";
import { importPegasusWorkflow } from "../../examples/import/pegasus-workflow.js";
import type { Imported } from "../../examples/import/imported.js";
import { planImported } from "./compile-imported.js";

interface Json {
  readonly [member: string]: unknown;
}

const codes = ({ report }: Imported): readonly string[] => report.refusals.map(({ code, pointer }) => `${code} ${pointer}`);
const order = (imported: Imported): readonly string[] => {
  const { plan } = planImported(imported);
  return plan.steps.map((step) => `${step.id}<${(plan.dependsOn.get(step.id) ?? []).join()}`);
};
const writes = (imported: Imported): object =>
  Object.fromEntries([...planImported(imported).writeSet.byStep].map(([id, step]) => [id, step.writes.map((write) => write.id)]));

describe("a Pegasus workflow in YAML", () => {
  const job = (id: string, uses: readonly (readonly [string, string])[] = [], more: Json = {}): Json => ({
    type: "job",
    id,
    name: "prog",
    uses: uses.map(([lfn, type]) => ({ lfn, type })),
    ...more,
  });
  const workflow = (jobs: readonly Json[], jobDependencies: readonly Json[] = []): Json => ({
    pegasus: "5.0",
    name: "w",
    jobs,
    jobDependencies,
  });

  test("orders jobs by what it spells out, and by who makes the files that another reads", () => {
    const jobs = [job("D", [["f", "input"]]), job("B"), job("A", [["f", "output"]])];
    expect(order(importPegasusWorkflow(workflow(jobs, [{ id: "A", children: ["B"] }])))).toEqual(["a<", "d<a", "b<a"]);
  });

  test("writes the files that it says, also those that are both, and its streams", () => {
    const jobs = [
      job(
        "A",
        [
          ["in", "input"],
          ["out", "output"],
          ["both", "inout"],
          ["state", "checkpoint"],
        ],
        { stdout: "log", stdin: "keys" },
      ),
    ];
    expect(writes(importPegasusWorkflow(workflow(jobs)))).toEqual({ a: ["both", "log", "out", "state"] });
  });

  test("that rewrites a file keeps the order that it spells out", () => {
    const imported = importPegasusWorkflow(
      workflow([job("A", [["f", "input"]]), job("B", [["f", "output"]])], [{ id: "A", children: ["B"] }]),
    );
    expect(order(imported)).toEqual(["a<", "b<a"]);
    expect(imported.report.notes.map((note) => note.message)).toEqual([
      "a job reads a file before a later job makes it again; the dependencies that are spelled out decide the order",
    ]);
  });

  test("has a verb per program, which may be run again", () => {
    const jobs = [
      job("A", [], { namespace: "ns", version: "1.0" }),
      job("B", [], { profiles: { dagman: { RETRY: "2" } } }),
      job("C"),
    ];
    const { verbs } = importPegasusWorkflow(workflow(jobs));
    expect(verbs.map(({ contract }) => [contract.name, contract.recovery, contract.retry.attemptsMax])).toEqual([
      ["pegasus.prog", "idempotent", 1],
      ["pegasus.prog_3_tries", "idempotent", 3],
      ["pegasus.prog_2", "idempotent", 1],
    ]);
  });

  test.each([
    ["no object", null, "import.wrong_type "],
    ["another version", { pegasus: "4.9", jobs: [] }, "import.unknown_format /pegasus"],
    ["no jobs", { pegasus: "5.0" }, "import.missing_member "],
    ["a job without an id", workflow([{ name: "p" }]), "import.missing_member /jobs/0/id"],
    ["another workflow inside", workflow([job("A", [], { type: "pegasusWorkflow" })]), "import.sub_workflow /jobs/0/type"],
    ["two jobs of one id", workflow([job("A"), job("A")]), "import.duplicate_name /jobs/1"],
    [
      "a parent that is none",
      workflow([job("A")], [{ id: "Z", children: ["A"] }]),
      "import.unknown_reference /jobDependencies/0/children/0",
    ],
    [
      "a child that is none",
      workflow([job("A")], [{ id: "A", children: ["Z"] }]),
      "import.unknown_reference /jobDependencies/0/children/0",
    ],
    ["a file used in no known way", workflow([job("A", [["f", "maybe"]])]), "import.unknown_construct /jobs/0/uses/0/type"],
    [
      "a circle",
      workflow(
        [job("A"), job("B")],
        [
          { id: "A", children: ["B"] },
          { id: "B", children: ["A"] },
        ],
      ),
      "import.cycle /jobs/0",
    ],
    ["a member that is not known", { ...workflow([job("A")]), surprise: 1 }, "import.unknown_construct /surprise"],
  ])("is refused: %s", (_what, document, wanted) => {
    expect(codes(importPegasusWorkflow(document))).toContain(wanted);
  });
});

describe("a Pegasus DAX", () => {
  const dax = (inner: string): string => `<?xml version="1.0"?>\n<adag xmlns="x" name="w">\n${inner}\n</adag>`;

  test("keeps arguments as one text with the names of files in it, and XML's own characters as they are meant", () => {
    const imported = importPegasusDax(
      dax(
        '<job id="A" name="p"><argument>-i <file name="f.a"/>\n  &lt;x&gt; "q" </argument><uses name="f.a" link="input"/></job>',
      ),
    );
    expect(planImported(imported).plan.steps[0]?.args).toMatchObject({
      arguments: ['-i f.a <x> "q"'],
      reads: ["f.a"],
      writes: [],
    });
  });

  test("reads files as version 2 and as version 3 write them", () => {
    const imported = importPegasusDax(
      dax(
        '<job id="A" name="p"><uses file="a" link="output"/><stdout name="o" link="output"/></job>' +
          '<job id="B" name="p"><uses name="a" link="input"/><profile namespace="dagman" key="RETRY">4</profile></job>',
      ),
    );
    expect(order(imported)).toEqual(["a<", "b<a"]);
    expect(writes(imported)).toEqual({ a: ["a", "o"], b: [] });
    expect(imported.verbs.map((verb) => verb.name)).toEqual(["pegasus.p", "pegasus.p_5_tries"]);
  });

  test.each([
    ["no text", 3 as never, "import.wrong_type "],
    ["an empty text", "", "import.not_parsable "],
    ["no XML", "hello", "import.not_parsable "],
    ["a tag that is not closed", "<adag>\n<job></adag>", "import.not_parsable line:2"],
    ["a tag that is never closed", "<adag>\n\n<job>", "import.not_parsable line:3"],
    ["a bare angle bracket", "<adag>1 < 2</adag>", "import.not_parsable line:1"],
    ["entities without end", '<!DOCTYPE a [<!ENTITY b "&b;">]><adag/>', "import.not_parsable "],
    ["another root", "<dag/>", "import.unknown_format xml:/"],
    ["no jobs", dax(""), "import.missing_member "],
    ["a job without a name", dax('<job id="A"/>'), "import.missing_member xml:/adag/job[A]"],
    ["another workflow inside", dax('<dax id="A" file="x"/>'), "import.sub_workflow xml:/adag/dax[A]"],
    ["two jobs of one id", dax('<job id="A" name="p"/><job id="A" name="p"/>'), "import.duplicate_name xml:/adag/job[A]"],
    [
      "a parent that is none",
      dax('<job id="A" name="p"/><child ref="A"><parent ref="Z"/></child>'),
      "import.unknown_reference xml:/adag/child[A]",
    ],
    [
      "a child that is none",
      dax('<job id="A" name="p"/><child ref="Z"><parent ref="A"/></child>'),
      "import.unknown_reference xml:/adag/child[Z]",
    ],
    ["an element that is not known", dax("<surprise/>"), "import.unknown_construct xml:/adag/surprise[1]"],
    [
      "a use of no known way",
      dax('<job id="A" name="p"><uses name="f" link="eat"/></job>'),
      "import.unknown_construct xml:/adag/job[A]",
    ],
    ["elements nested without end", `<adag>${"<a>".repeat(80)}${"</a>".repeat(80)}</adag>`, "import.too_large "],
  ])("is refused: %s", (_what, text, wanted) => {
    const imported = importPegasusDax(text);
    expect(codes(imported)).toContain(wanted);
    expect([imported.verbs, imported.macros, imported.report.root]).toEqual([[], [], null]);
  });
});

describe("a DAGMan file", () => {
  test("has its edges, whatever the case of its words and whichever line comes first", () => {
    const text = "parent A B child C \\\n D\n# a comment\nJob A a.sub\nJOB B b.sub\nJOB C c.sub DIR d NOOP\nJOB D d.sub\n";
    expect(order(importDagman(text))).toEqual(["a<", "b<", "c<a,b", "d<a,b"]);
  });

  test("hands everything that a node is given to the handler", () => {
    const text = [
      "JOB A a.sub DIR here",
      'VARS A x="1" name="say \\"hi\\" \\\\"',
      "SCRIPT PRE A before.sh one two",
      "SCRIPT DEFER 4 60 POST ALL_NODES after.sh",
      "RETRY A 2 UNLESS-EXIT 7",
      "PRIORITY A 5",
      "CATEGORY A big",
    ].join("\n");
    const imported = importDagman(text);
    expect(planImported(imported).plan.steps[0]?.args).toEqual({
      submit: "a.sub",
      directory: "here",
      vars: { x: "1", name: 'say "hi" \\' },
      scripts: ["PRE before.sh one two", "POST after.sh"],
      priority: 5,
      category: "big",
      unlessExit: 7,
    });
    expect(imported.verbs.map(({ contract }) => [contract.name, contract.retry.attemptsMax])).toEqual([
      ["dagman.run_job_3_tries", 3],
    ]);
  });

  test.each([
    ["no text", null as never, "import.wrong_type "],
    ["nothing", "# nothing\n", "import.missing_member "],
    ["a node without a description", "JOB A", "import.missing_member line:1"],
    ["two nodes of one name", "JOB A a\nJOB A b", "import.duplicate_name line:2"],
    ["an edge from nothing", "JOB A a\nPARENT Z CHILD A", "import.unknown_reference line:2"],
    ["an edge to nothing", "JOB A a\nPARENT A CHILD Z", "import.unknown_reference line:2"],
    ["an edge without children", "JOB A a\nPARENT A", "import.missing_member line:2"],
    ["a circle", "JOB A a\nJOB B b\nPARENT A CHILD B\nPARENT B CHILD A", "import.cycle line:1"],
    ["the graph of another file", "SUBDAG EXTERNAL A a.dag\nJOB B b", "import.sub_workflow line:1"],
    ["a splice", "SPLICE A a.dag\nJOB B b", "import.sub_workflow line:1"],
    ["a final node", "JOB B b\nFINAL F f.sub", "import.run_time_choice line:2"],
    ["a node that is done", "JOB A a DONE", "import.run_time_choice line:1"],
    ["a description inside", "JOB A {", "import.unknown_construct line:1"],
    ["variables without quotes", "JOB A a\nVARS A x=1", "import.not_parsable line:2"],
    ["a number of tries that is none", "JOB A a\nRETRY A often", "import.wrong_type line:2"],
    ["a command that is not known", "JOB A a\nSURPRISE A", "import.unknown_construct line:2"],
  ])("is refused: %s", (_what, text, wanted) => {
    expect(codes(importDagman(text))).toContain(wanted);
  });
});
