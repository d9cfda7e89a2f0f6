import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { importArgoWorkflow } from "../../examples/import/argo-workflow.js";
import { importDagman } from "../../examples/import/dagman.js";
import { detectFormat, importDocument } from "../../examples/import/import-document.js";
import { importKestraFlow } from "../../examples/import/kestra-flow.js";
import { importPegasusDax } from "../../examples/import/pegasus-dax.js";
import { importPegasusWorkflow } from "../../examples/import/pegasus-workflow.js";
import { importSsmAutomation } from "../../examples/import/ssm-automation.js";
import type { Imported } from "../../examples/import/imported.js";
import { FIXTURES, fixtureText, type FixtureName } from "./fixtures.js";

const OF_OBJECTS = [importSsmAutomation, importArgoWorkflow, importKestraFlow, importPegasusWorkflow];
const FORMATS: { readonly [folder: string]: string } = {
  ssm: "ssm-automation",
  argo: "argo-workflow",
  kestra: "kestra-flow",
  dagman: "dagman",
};

/** Whole or nothing, and never nothing without a reason. */
function expectSound({ verbs, macros, report }: Imported): void {
  const isConverted = report.refusals.length === 0;
  expect(report.root !== null).toBe(isConverted);
  expect(macros.length > 0).toBe(isConverted);
  if (!isConverted) expect(verbs).toEqual([]);
  for (const refusal of report.refusals) {
    expect(refusal.code).toMatch(/^import\.[a-z_]+$/);
    expect(refusal.message).not.toBe("");
  }
}

describe("a document that is not what it seems", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const throwing = {
    get mainSteps(): never {
      throw new Error("no");
    },
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile: readonly (readonly [string, unknown])[] = [
    ["a circle", circular],
    ["a getter that throws", throwing],
    [
      "a getter that throws no error",
      {
        get kind(): never {
          throw null;
        },
      },
    ],
    ["a revoked Proxy", revoked.proxy],
    ["a function", () => 1],
    ["a bigint", { spec: 1n }],
    ["a class instance", new Map()],
    ["a symbol", Symbol("x")],
    ["something that says it is nothing", { toJSON: () => undefined }],
  ];

  test.each(hostile)("is refused as data: %s", (_what, document) => {
    for (const importer of OF_OBJECTS) {
      const imported = importer(document);
      expectSound(imported);
      expect(imported.report.root).toBeNull();
    }
  });

  test("nested 100,000 deep is refused, in every format", () => {
    let deep: unknown = "x";
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    for (const importer of OF_OBJECTS) expect(importer({ deep }).report.refusals[0]?.code).toBe("import.not_parsable");
    const json = `{"schemaVersion":"0.3","mainSteps":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expectSound(importDocument(json, "deep.json"));
    expectSound(importDocument(`a: ${"[".repeat(100_000)}`, "deep.yaml"));
    expectSound(importPegasusDax(`<adag>${"<job>".repeat(50_000)}`));
  });

  test("with an argument nested deeper than a stack is refused where it is", () => {
    let deep: unknown = "x";
    for (let depth = 0; depth < 500; depth += 1) deep = { deep };
    const step = { name: "a", action: "aws:executeScript", inputs: { deep } };
    const [refusal] = importSsmAutomation({ schemaVersion: "0.3", mainSteps: [step] }).report.refusals;
    expect(refusal?.code).toBe("import.too_large");
    expect(refusal?.pointer.startsWith("/mainSteps/0/inputs/deep/deep")).toBe(true);
  });

  test("with names of JavaScript's own is read as data", () => {
    const text = `{"schemaVersion":"0.3","__proto__":{"polluted":1},"mainSteps":[
      {"name":"__proto__","action":"aws:sleep","inputs":{"__proto__":{"a":"{{ constructor }}"},"constructor":"c"}}]}`;
    const { report } = importDocument(text, "x.json");
    expect(report.refusals.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual(["import.unknown_construct /__proto__"]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    const steps = [{ name: "toString", action: "aws:sleep", inputs: { constructor: "{{ hasOwnProperty }}" } }];
    expect(importSsmAutomation({ schemaVersion: "0.3", mainSteps: steps }).report.refusals.map((one) => one.code)).toEqual([
      "import.unknown_reference",
    ]);
  });

  test("with lone surrogates or a secret in it is refused with the reason", () => {
    const of = (text: string): readonly string[] =>
      importSsmAutomation({
        schemaVersion: "0.3",
        mainSteps: [{ name: "a", action: "aws:sleep", inputs: { text } }],
      }).report.refusals.map((one) => `${one.code} ${one.message.split(":")[0] ?? ""}`);
    expect(of("\ud800")).toEqual(["import.not_expressible value.not_canonical"]);
    expect(of(`AKIAABCDEFGHIJKLMNOP`)).toEqual(["import.not_expressible secret.detected"]);
  });

  test("of 20,000 steps is converted, and a circle of 20,000 is named as it is", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `JOB n${index} s`);
    const edges = Array.from({ length: 19_999 }, (_, index) => `PARENT n${index} CHILD n${index + 1}`);
    const chain = importDagman([...lines, ...edges].join("\n"));
    expect(chain.report.steps).toHaveLength(20_000);
    expect(chain.report.refusals).toEqual([]);
    const circle = importDagman([...lines, ...edges, "PARENT n19999 CHILD n0"].join("\n"));
    expect(circle.report.refusals.map((one) => one.code)).toEqual(["import.cycle"]);
  });

  test("longer than is looked at is refused before it is read", () => {
    const text = " ".repeat(16 * 1024 * 1024 + 1);
    expect(importDocument(text, "x.yaml").report.refusals.map((one) => one.code)).toEqual(["import.too_large"]);
    expect(importDagman(text).report.refusals.map((one) => one.code)).toEqual(["import.too_large"]);
  });
});

describe("a text of some format", () => {
  test.each(Object.keys(FIXTURES) as FixtureName[])("%s is told by its content, whatever its name", (name) => {
    const [folder = ""] = name.split("/");
    const wanted = FORMATS[folder] ?? (fixtureText(name).includes("<adag") ? "pegasus-dax" : "pegasus-workflow");
    expect(detectFormat(fixtureText(name), FIXTURES[name])).toBe(wanted);
    expect(detectFormat(fixtureText(name), "unnamed")).toBe(wanted);
  });

  test.each([
    ["nothing", "", "import.not_parsable"],
    ["a word", "hello", "import.unknown_format"],
    ["other JSON", '{"a":1}', "import.unknown_format"],
    ["a list", "[1]", "import.unknown_format"],
    ["broken JSON", '{"schemaVersion":', "import.not_parsable"],
    ["broken YAML", "a: [1\nb: 2", "import.not_parsable"],
    ["two documents", "a: 1\n---\nb: 2", "import.several_documents"],
    [
      "aliases without end",
      `a: &a [x]\n${Array.from({ length: 20 }, (_, i) => `b${i}: &b${i} [${`*${i === 0 ? "a" : `b${i - 1}`},`.repeat(9)}]`).join("\n")}`,
      "import.not_parsable",
    ],
    ["a tag of JavaScript", "!!js/function 'x'", "import.unknown_format"],
  ])("is refused: %s", (_what, text, code) => {
    const imported = importDocument(text, "x");
    expectSound(imported);
    expect(imported.report.refusals.map((one) => one.code)).toEqual([code]);
  });

  property.prop([fc.string({ unit: "binary" }), fc.constantFrom("x.dag", "x.dax", "x.json", "x.yaml")])(
    "never throws, whatever it holds",
    (text, name) => {
      expectSound(importDocument(text, name));
    },
  );
});

/** Documents near the truth: real ones with one part replaced by anything. */
const MUTATED = ["ssm/UpdateCloudFormation", "argo/nested", "kestra/dag", "pegasus/workflow"] as const;

describe("a real document with one part replaced", () => {
  property.prop([fc.constantFrom(...MUTATED), fc.nat(), fc.json({ maxDepth: 3 })])(
    "is converted whole or refused with a reason",
    (name, at, text) => {
      const document: unknown = parse(fixtureText(name));
      const places = placesOf(document);
      const place = places[at % places.length];
      if (place !== undefined) place.holder[place.key] = JSON.parse(text) as unknown;
      expectSound(importDocument(JSON.stringify(document), "x"));
    },
  );
});

interface Place {
  readonly holder: { [key: string]: unknown };
  readonly key: string;
}

function placesOf(value: unknown): readonly Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as { [key: string]: unknown };
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesOf(holder[key])]);
}
