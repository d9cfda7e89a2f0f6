import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { allowAll, approvalPolicy, createCatalog, createRunseal, defineMacro, defineVerb, subject } from "runseal";
import { openSqlite } from "runseal/sqlite";

const touch = defineVerb({
  name: "file.touch",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ file: subject("file", "write") }),
  result: z.object({ ok: z.boolean() }),
});

/** Two writes and a reader of their results. */
export const touchBoth = defineMacro({
  name: "file.touch_both",
  version: 1,
  params: z.object({ a: subject("file"), b: subject("file") }),
  body: ({ params, step }) => {
    const first = step("first", touch, { file: params.a });
    const second = step("second", touch, { file: params.b }, { after: [first] });
    return { first: first.result.ok, second: second.result.ok };
  },
});

/** An instance over the folder's file whose handler appends one line a call. */
export function openRivals(folder: string) {
  return createRunseal({
    catalog: createCatalog({ verbs: [touch], macros: [touchBoth] }),
    stores: openSqlite(join(folder, "runs.db")),
    policy: allowAll(),
    approvals: approvalPolicy({ quorum: 1 }),
    handlers: {
      "file.touch": async (_args, ctx) => {
        appendFileSync(join(folder, "calls.log"), `${ctx.runId} ${ctx.stepId} ${process.pid}\n`);
        return { ok: true };
      },
    },
  });
}

/** The handler calls of all processes. */
export function calls(folder: string): readonly string[] {
  const file = join(folder, "calls.log");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}
