import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createCatalog, defineMacro, isRunsealError } from "runseal";
import type { ArgsOf, EntityId, Handlers, MacrosOf, NameOf, OutputOf, Sym, VerbsOf } from "runseal";
import { approveClosing, closeAccount, everything, listAccounts, openAccount, sendMail } from "../catalog/sample-verbs.js";

const rename = defineMacro({
  name: "customer.rename",
  version: 1,
  params: z.object({ name: z.string() }),
  body: ({ params }) => ({ name: params.name }),
});
const silent = defineMacro({ name: "do.nothing", version: 1, params: z.object({}), body: () => undefined });
const onboard = defineMacro({
  name: "customer.onboard",
  version: 1,
  params: everything,
  body: ({ params, step, forEach, lookup, invoke, orElse, at, concat, eq, when, exists, allocate }) => {
    expectTypeOf(params.payment.kind).toEqualTypeOf<Sym<"card" | "iban", "sealed">>();
    expectTypeOf(params.note).toEqualTypeOf<Sym<string | undefined, "sealed">>();
    expectTypeOf(orElse(params.note, "none")).toEqualTypeOf<Sym<string, "sealed">>();
    expectTypeOf(at(params.pair, 1)).toEqualTypeOf<Sym<number, "sealed">>();
    expectTypeOf(at(params.labels, "a")).toEqualTypeOf<Sym<number | undefined, "sealed">>();
    expectTypeOf(at(params.currencies, 0)).toEqualTypeOf<Sym<"EUR" | "USD" | undefined, "sealed">>();
    expectTypeOf(allocate("account")).toEqualTypeOf<Sym<EntityId<"account">, "sealed">>();
    expectTypeOf(concat("a", params.name)).toEqualTypeOf<Sym<string, "sealed">>();
    const found = lookup("found", listAccounts, { owner: params.customer });
    expectTypeOf(found.owner.tier).toEqualTypeOf<Sym<string | null, "sealed">>();
    expectTypeOf(found.last.at).toEqualTypeOf<Sym<string | undefined, "sealed">>();
    when(exists(found.owner.tier), () => undefined);
    const numbers = forEach("accounts", params.currencies, (currency, index) => {
      const opened = step("open", openAccount, { account: allocate("account"), owner: params.customer, currency });
      expectTypeOf(opened.result.opened).toEqualTypeOf<Sym<boolean, "late">>();
      expectTypeOf(eq(opened.result.number, "1")).toEqualTypeOf<Sym<boolean, "late">>();
      return { number: opened.result.number, index };
    });
    expectTypeOf(numbers).toEqualTypeOf<Sym<{ number: string; index: number }[], "late">>();
    const nothing = forEach("closed", found.ids, (account) => {
      step("close", closeAccount, { account });
    });
    expectTypeOf(nothing).toEqualTypeOf<Sym<null[], "late">>();
    const renamed = invoke("inner", rename, { name: params.name });
    expectTypeOf(renamed.result.name).toEqualTypeOf<Sym<string, "late">>();
    expectTypeOf(invoke("silent", silent, {}).result).toEqualTypeOf<Sym<null, "late">>();
    return { numbers, name: renamed.result.name, fixed: 1 as const };
  },
});
const catalog = createCatalog({
  verbs: [openAccount, sendMail.handle(async () => ({ id: "1" })), listAccounts, closeAccount, approveClosing],
  macros: [onboard, rename, silent],
});
type C = typeof catalog;

describe("the builder's types", () => {
  test("refuse at least 40 wrong lines, each marked where tsc sees it", () => {
    const text = readFileSync(new URL("./refusals.ts", import.meta.url), "utf8");
    const marks = text.split("\n").filter((line) => /^\s*\/\/ @ts-expect-error \S/.test(line));
    expect(marks.length).toBeGreaterThanOrEqual(40);
  });

  test("give outputs of bodies, loops and invocations by name", () => {
    expectTypeOf<OutputOf<C, "customer.onboard">>().toEqualTypeOf<{
      readonly numbers: { number: string; index: number }[];
      readonly name: string;
      readonly fixed: 1;
    }>();
    expectTypeOf<OutputOf<C, "do.nothing">>().toEqualTypeOf<null>();
    expectTypeOf<OutputOf<C, "mail.send">>().toEqualTypeOf<{ id: string }>();
    expectTypeOf<ArgsOf<C, "customer.rename">>().toEqualTypeOf<{ name: string }>();
    expectTypeOf<ArgsOf<C, "account.open">["tags"]>().toEqualTypeOf<string[] | undefined>();
    expectTypeOf<NameOf<C>>().toEqualTypeOf<
      | "account.open"
      | "mail.send"
      | "account.list"
      | "account.close"
      | "closing.approve"
      | "customer.onboard"
      | "customer.rename"
      | "do.nothing"
    >();
    expectTypeOf<VerbsOf<C>["name"]>().toExtend<NameOf<C>>();
    expectTypeOf<MacrosOf<C>["name"]>().toExtend<NameOf<C>>();
    expect(catalog.macros.map(({ name }) => name)).toEqual(["customer.onboard", "customer.rename", "do.nothing"]);
  });

  test("want a handler for each verb but human gates and handled ones, which may have one", () => {
    expectTypeOf<keyof Handlers<C>>().toEqualTypeOf<
      "account.open" | "mail.send" | "account.list" | "account.close" | "closing.approve"
    >();
    const handlers: Handlers<C> = {
      "account.open": async (args) => ({ number: args.account, opened: args.tags.length > 0, limits: [] }),
      "account.list": async () => ({ ids: [], owner: { blocked: false, tier: null }, notes: {}, extra: 1 }),
      "account.close": {
        run: async (args) => {
          expectTypeOf(args.account).toEqualTypeOf<EntityId<"account">>();
          return {};
        },
        reconcile: async (args, ctx) => {
          expectTypeOf(args.others).toEqualTypeOf<EntityId<"account">[] | undefined>();
          expectTypeOf(ctx.attempt).toEqualTypeOf<number>();
          return { kind: "done", result: {} };
        },
      },
    };
    expect(Object.keys(handlers)).toHaveLength(3);
  });

  test("know every word of the added verbs of with()", () => {
    const more = catalog.with({ macros: [defineMacro({ name: "a.b", version: 1, params: z.object({}), body: () => ({}) })] });
    expectTypeOf<NameOf<typeof more>>().toEqualTypeOf<NameOf<C> | "a.b">();
    expect(more.macro("a.b")?.version).toBe(1);
  });
});

describe("what the types can't see, the recorder refuses", () => {
  type Wrong = (words: Parameters<Parameters<typeof defineMacro<"a.b", typeof everything>>[0]["body"]>[0]) => void;

  test.each<readonly [string, Wrong, string]>([
    ["a template string", ({ params }) => expect(`${String(params.name)}!`).toBe("never"), "macro.symbolic_value_used"],
    ["Number()", ({ params }) => void Number(params.count), "macro.symbolic_value_used"],
    ["JSON.stringify", ({ params }) => void JSON.stringify(params.contact), "macro.symbolic_value_used"],
    ["Object.keys", ({ params }) => void Object.keys(params.contact), "macro.symbolic_value_used"],
    ["a value that leaves its when", leaving, "macro.out_of_scope"],
    ["a label that isn't one", ({ step }) => void step("Not A Label", sendMail, { to: "x", numbers: [] }), "macro.invalid_label"],
    ["a fraction", ({ step }) => void step("x", sendMail, { to: "x", numbers: [], meta: 0.5 }), "value.not_canonical"],
  ])("%s", (_title, body, code) => {
    try {
      defineMacro({ name: "a.b", version: 1, params: everything, body });
      expect.unreachable();
    } catch (error) {
      expect(isRunsealError(error) && error.code).toBe(code);
    }
  });
});

function leaving({
  params,
  step,
  when,
}: Parameters<Parameters<typeof defineMacro<"a.b", typeof everything>>[0]["body"]>[0]): void {
  const kept: Sym<string, "late">[] = [];
  when(params.flag, () => {
    kept.push(step("a", sendMail, { to: "x", numbers: [] }).result.id);
  });
  for (const id of kept) step("b", sendMail, { to: id, numbers: [] });
}
