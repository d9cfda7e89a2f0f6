// What TypeScript refuses: `npm run typecheck` fails when one of these lines compiles. Nothing here runs.
import { z } from "zod";
import { createCatalog, defineMacro, defineVerb, subject } from "runseal";
import type { ArgsOf, Body, Handlers, NameOf, OutputOf, Sym } from "runseal";
import { approveClosing, closeAccount, listAccounts, openAccount, sendMail } from "../catalog/sample-verbs.js";
import type { everything } from "../catalog/sample-verbs.js";

declare const words: Body<z.output<typeof everything>>;
const {
  params,
  step,
  invoke,
  lookup,
  require,
  when,
  forEach,
  match,
  allocate,
  bind,
  eq,
  ne,
  not,
  all,
  includes,
  concat,
  orElse,
  at,
} = words;
const mail = { to: "x", numbers: [] };
const noArgs = z.object({});

const renewing = defineMacro({
  name: "account.renew",
  version: 1,
  params: z.object({ account: subject("account"), flag: z.boolean() }),
  body: ({ params: { account } }) => ({ account, count: 1 }),
});

/** Verbs that are malformed. */
export const verbs = (): void => {
  defineVerb({
    name: "a.write",
    version: 1,
    args: noArgs,
    result: noArgs,
    effect: "write",
    recovery: "manual",
    transactional: true,
  });
  // @ts-expect-error a transactional verb has a recovery class like any other that writes
  defineVerb({ name: "a.write", version: 1, args: noArgs, result: noArgs, effect: "write", transactional: true });
  // @ts-expect-error only verbs that write are transactional
  defineVerb({ name: "a.read", version: 1, args: noArgs, result: noArgs, effect: "read", transactional: true });
  defineVerb({
    name: "a.write",
    version: 1,
    args: noArgs,
    result: noArgs,
    effect: "write",
    recovery: "manual",
    mode: "durable",
    // @ts-expect-error only verbs of mode sync are transactional
    transactional: true,
  });
  // @ts-expect-error a writing verb says what happens in doubt: recovery is missing
  defineVerb({ name: "a.b", version: 1, effect: "write", args: noArgs, result: noArgs });
  // @ts-expect-error a reading verb has no recovery class
  defineVerb({ name: "a.b", version: 1, effect: "read", recovery: "idempotent", args: noArgs, result: noArgs });
  // @ts-expect-error a recovery class that doesn't exist
  defineVerb({ name: "a.b", version: 1, effect: "write", recovery: "retry", args: noArgs, result: noArgs });
  // @ts-expect-error a name without a domain
  defineVerb({ name: "ab", version: 1, effect: "pure", args: noArgs, result: noArgs });
  // @ts-expect-error arguments that are no object
  defineVerb({ name: "a.b", version: 1, effect: "pure", args: z.string(), result: noArgs });
  // @ts-expect-error a mode that doesn't exist
  defineVerb({ name: "a.b", version: 1, effect: "pure", mode: "later", args: noArgs, result: noArgs });
  // @ts-expect-error an effect that doesn't exist
  defineVerb({ name: "a.b", version: 1, effect: "change", args: noArgs, result: noArgs });
  // @ts-expect-error a field that doesn't exist
  defineVerb({ name: "a.b", version: 1, effect: "pure", args: noArgs, result: noArgs, recover: "manual" });
  // @ts-expect-error an access that doesn't exist
  subject("account", "own");
  // @ts-expect-error a subject is a string
  subject("account", "read", z.int());
  // @ts-expect-error a handler that gives another result
  openAccount.handle(async () => ({ number: 1 }));
  // @ts-expect-error a handler that reads an argument which isn't there
  sendMail.handle(async (args) => ({ id: args.recipient }));
  // @ts-expect-error a reconciling verb needs the question, too
  closeAccount.handle(async () => ({}));
};

/** Arguments that don't fit. */
export const callArguments = (): void => {
  // @ts-expect-error the id of another kind of entity
  step("x", openAccount, { account: allocate("account"), owner: allocate("account"), currency: "EUR" });
  // @ts-expect-error the id of another kind, from a list
  forEach("l", params.ids, (id) => lookup("found", listAccounts, { owner: id }).owner.tier);
  // @ts-expect-error a label that is not in the enumeration
  step("x", openAccount, { account: "a", owner: "b", currency: "GBP" });
  // @ts-expect-error a number for a string
  step("x", openAccount, { account: "a", owner: "b", currency: "EUR", note: params.count });
  // @ts-expect-error an optional value for a required one
  step("x", sendMail, { to: params.note, numbers: [] });
  // @ts-expect-error an argument that doesn't exist
  step("x", openAccount, { account: "a", owner: "b", currency: "EUR", colour: "red" });
  // @ts-expect-error a missing argument
  step("x", sendMail, { to: "x" });
  // @ts-expect-error a list of another type
  step("x", sendMail, { to: "x", numbers: [params.flag] });
  // @ts-expect-error a Date, also where any JSON is taken
  step("x", sendMail, { ...mail, meta: new Date(0) });
  // @ts-expect-error a step where its result was meant
  step("x", sendMail, { to: step("y", sendMail, mail), numbers: [] });
  // @ts-expect-error a mode that doesn't exist
  step("x", sendMail, mail, { mode: "later" });
  // @ts-expect-error after a name instead of a step
  step("x", sendMail, mail, { after: ["y"] });
  // @ts-expect-error a condition that is no boolean
  step("x", sendMail, mail, { when: params.name });
  // @ts-expect-error a macro is invoked, not stepped
  step("x", renewing, { account: "a", flag: true });
  // @ts-expect-error a verb is stepped, not invoked
  invoke("x", sendMail, mail);
  // @ts-expect-error a wrong argument of a macro
  invoke("x", renewing, { account: "a", flag: "yes" });
  // @ts-expect-error an entity of another kind for a macro
  invoke("x", renewing, { account: params.customer, flag: true });
  // @ts-expect-error a lookup that writes
  lookup("x", sendMail, mail);
  // @ts-expect-error an expectation about something the answer doesn't have
  require("x", listAccounts, { owner: "o" }, { blocked: false });
  // @ts-expect-error a kind of recheck that doesn't exist
  lookup("x", listAccounts, { owner: "o" }, { recheck: "sometimes" });
};

/** What is known only while running, where a plan is shaped. */
export const phases = (): void => {
  const opened = step("x", openAccount, { account: "a", owner: "b", currency: params.currency });
  // @ts-expect-error a late list can't be looped over
  forEach("l", opened.result.limits, { key: "index" }, () => null);
  // @ts-expect-error a late condition can't shape a plan
  when(opened.result.opened, () => undefined);
  // @ts-expect-error late inside of an operator
  when(eq(opened.result.number, "x"), () => undefined);
  // @ts-expect-error sealed and late together are late
  when(all(params.flag, opened.result.opened), () => undefined);
  // @ts-expect-error a lookup is asked before anything runs
  lookup("l", listAccounts, { owner: opened.result.number });
  const results = forEach("l", params.currencies, (each) => each);
  // @ts-expect-error the results of a loop are late
  forEach("m", results, (each) => each);
  // @ts-expect-error a late loop key
  forEach("l", params.pages, { key: () => opened.result.number }, () => null);
  // @ts-expect-error the output of an invocation is late
  when(eq(invoke("i", renewing, { account: "a", flag: true }).result.count, 1), () => undefined);
};

/** Members that aren't there, and ordinary JavaScript. */
export const javaScript = async (): Promise<void> => {
  // @ts-expect-error a parameter that isn't declared
  concat(params.nmae);
  // @ts-expect-error a member of a result that doesn't exist
  concat(step("x", openAccount, { account: "a", owner: "b", currency: "EUR" }).result.nummer);
  // @ts-expect-error a member that only one variant has
  concat(params.payment.iban);
  // @ts-expect-error an item of a list by number
  concat(params.pages[0].title);
  // @ts-expect-error TS2774: an expression in an if
  if (params.flag) step("x", sendMail, mail);
  // @ts-expect-error TS2774: an expression before a question mark
  const chosen = params.flag ? 1 : 2;
  // @ts-expect-error TS2774: an expression before &&
  const both = params.flag && step("x", sendMail, mail);
  // @ts-expect-error === is never true
  const same = params.currency === "EUR";
  // @ts-expect-error addition
  const sum = params.count + 1;
  // @ts-expect-error an order
  const more = params.count > 1;
  // @ts-expect-error methods of arrays
  const mapped = params.currencies.map((each) => each);
  // @ts-expect-error methods of texts
  const upper = params.name.toUpperCase();
  // @ts-expect-error iteration
  for (const each of params.currencies) step("x", sendMail, { to: each, numbers: [] });
  // @ts-expect-error spreading
  const spread = [...params.currencies];
  switch (params.currency) {
    // @ts-expect-error a switch over a value
    case "EUR":
  }
  // @ts-expect-error an assignment
  params.name = "x";
  await Promise.resolve([chosen, both, same, sum, more, mapped, upper, spread]);
};

/** Words used wrongly. */
export const misused = (): void => {
  // @ts-expect-error a comparison with another type
  eq(params.count, "1");
  // @ts-expect-error a comparison with a label that doesn't exist
  ne(params.currency, "GBP");
  // @ts-expect-error not() of a text
  not(params.name);
  // @ts-expect-error a list that can't hold the item
  includes(params.currencies, 1);
  // @ts-expect-error a boolean is no text
  concat("a", params.flag);
  // @ts-expect-error a default of another type
  orElse(params.note, 1);
  // @ts-expect-error a name of an item
  concat(at(params.pages, "first"));
  // @ts-expect-error an item that may not be there
  concat(at(params.currencies, 0));
  // @ts-expect-error a loop over objects needs a key
  forEach("l", params.pages, (page) => page.title);
  // @ts-expect-error a loop over something that is no list
  forEach("l", params.labels, () => null);
  // @ts-expect-error a loop that gives a step; its result was meant
  forEach("l", params.currencies, () => step("x", sendMail, mail));
  // @ts-expect-error an async callback
  forEach("l", params.currencies, async () => null);
  // @ts-expect-error a variant without its case
  match(params.payment, "kind", { card: () => undefined });
  // @ts-expect-error a discriminator that doesn't exist
  match(params.payment, "type", { card: () => undefined, iban: () => undefined });
  // @ts-expect-error a bound value has the type of its schema
  concat(bind("cap", z.boolean()));
  // @ts-expect-error an async body
  defineMacro({ name: "a.b", version: 1, params: noArgs, body: async () => ({}) });
  // @ts-expect-error a body that gives a step
  defineMacro({ name: "a.b", version: 1, params: noArgs, body: (b) => b.step("x", sendMail, mail) });
  // @ts-expect-error a body that gives a Date
  defineMacro({ name: "a.b", version: 1, params: noArgs, body: () => ({ at: new Date(0) }) });
  // @ts-expect-error a body that gives a text
  defineMacro({ name: "a.b", version: 1, params: noArgs, body: () => "text" });
  // @ts-expect-error a symbolic value has no plain type
  const plain: string = params.name;
  // @ts-expect-error a nullable value isn't one that is always there
  const there: Sym<string> = params.note;
  concat(plain, there);
};

const openAccount2 = defineVerb({
  ...versioned("account.open"),
  version: 2,
  args: z.object({ y: z.int() }),
  result: z.object({ s: z.int() }),
});
const catalog = createCatalog({ verbs: [sendMail, closeAccount, approveClosing, listAccounts], macros: [renewing] });
const versions = createCatalog({ verbs: [openAccount, openAccount2] });

type Of<C> = Handlers<C>;
const mailHandler = async (): Promise<{ id: string }> => ({ id: "1" });
const listHandler: Of<typeof catalog>["account.list"] = async () => ({
  ids: [],
  owner: { blocked: false, tier: null },
  notes: {},
  extra: null,
});
const close: Of<typeof catalog>["account.close"] = { run: async () => ({}), reconcile: async () => ({ kind: "unknown" }) };

/** Handlers and names of a catalog. */
export const bound = (): readonly unknown[] => {
  const complete: Of<typeof catalog> = { "mail.send": mailHandler, "account.close": close, "account.list": listHandler };
  // @ts-expect-error a handler is missing
  const missing: Of<typeof catalog> = { "account.close": close, "account.list": listHandler };
  // @ts-expect-error a handler that no verb has
  const extra: Of<typeof catalog> = { ...complete, "mail.sent": mailHandler };
  // @ts-expect-error a reconciling verb without the question
  const half: Of<typeof catalog> = { ...complete, "account.close": { run: async () => ({}) } };
  // @ts-expect-error a handler that gives another result
  const wrong: Of<typeof catalog> = { ...complete, "mail.send": async () => ({ id: 1 }) };
  const both: Of<typeof versions> = {
    "account.open@1": async () => ({ number: "1", opened: true, limits: [] }),
    "account.open@2": async ({ y }) => ({ s: y }),
  };
  // @ts-expect-error a version without its handler
  const one: Of<typeof versions> = { "account.open@1": async () => ({ number: "1", opened: true, limits: [] }) };
  // @ts-expect-error a name that the catalog doesn't have
  const name: NameOf<typeof catalog> = "mail.sent";
  // @ts-expect-error arguments of a verb by its name
  const args: ArgsOf<typeof catalog, "mail.send"> = { to: 1, numbers: [] };
  // @ts-expect-error parameters of a macro by its name
  const given: ArgsOf<typeof catalog, "account.renew"> = { account: "a" };
  // @ts-expect-error the output of a macro by its name
  const output: OutputOf<typeof catalog, "account.renew"> = { account: "a", count: "1" };
  return [complete, missing, extra, half, wrong, both, one, name, args, given, output];
};

function versioned<const N extends `${string}.${string}`>(name: N): { name: N; effect: "write"; recovery: "idempotent" } {
  return { name, effect: "write", recovery: "idempotent" };
}
