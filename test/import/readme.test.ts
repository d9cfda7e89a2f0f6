import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import type { RefusalCode } from "../../examples/import/imported.js";
import { planImported } from "./compile-imported.js";
import { FIXTURES, importFixture, type FixtureName } from "./fixtures.js";

const README = readFileSync(new URL("../../examples/import/README.md", import.meta.url), "utf8");

const CODES: { readonly [code in RefusalCode]: true } = {
  "import.too_large": true,
  "import.not_parsable": true,
  "import.unknown_format": true,
  "import.several_documents": true,
  "import.wrong_type": true,
  "import.missing_member": true,
  "import.duplicate_name": true,
  "import.unknown_reference": true,
  "import.cycle": true,
  "import.loop": true,
  "import.run_time_choice": true,
  "import.sub_workflow": true,
  "import.expression": true,
  "import.unknown_construct": true,
  "import.not_expressible": true,
};

function rowOf(name: FixtureName): string {
  const imported = importFixture(name);
  const { format, refusals, notes } = imported.report;
  const file = basename(FIXTURES[name]);
  if (refusals.length > 0) {
    const why = refusals.map(({ code, pointer, message }) => `\`${code}\` at \`${pointer}\`: ${message}`);
    return `| ${file} | ${format} | refused | | | | ${why.join("; ")} |`;
  }
  const { plan, writeSet } = planImported(imported);
  const writes = new Set([...writeSet.byStep.values()].flatMap((step) => step.writes.map((write) => write.id)));
  const why = [...new Set(notes.map((note) => note.message.replaceAll("<", "\\<")))];
  return `| ${file} | ${format} | converted | ${plan.steps.length} | ${plan.phases.length} | ${writes.size} | ${why.join("; ")} |`;
}

/** The cells of a row, whatever stands around them to make the columns straight. */
function cells(row: string): readonly string[] {
  return row.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

test("the page has every document of the field, what became of it, and why", () => {
  const rows = (Object.keys(FIXTURES) as FixtureName[]).map(rowOf);
  const printed = (README.split("readme.test.ts -->\n")[1] ?? "").trim().split("\n").slice(2);
  expect(printed.map(cells)).toEqual(rows.map(cells));
});

test("the page explains every code of a refusal", () => {
  expect(Object.keys(CODES).filter((code) => !README.includes(`\`${code}\``))).toEqual([]);
});
