import { z } from "zod";
import type { CompileContext } from "../../src/model/invocation.js";
import type { CompileRequest, PinnedAnswer } from "../../src/compile/compile-request.js";
import { compilePlan } from "../../src/compile/compile-plan.js";
import { createCatalog, decimal, defineMacro, defineVerb, instant, plain, subject } from "../../src/index.js";
import { LIMIT_PROFILES } from "../../src/model/limits.js";
import { RunsealError } from "../../src/errors/error.js";
import { seal } from "../../src/compile/seal.js";

/** Thirty runbooks that hold every construct of the sealed format; their ids stand in `test/golden/ids.json`. */

const currency = z.enum(["EUR", "USD", "CHF"]);
const anything = z.json();

const openAccount = defineVerb({
  name: "account.open",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account: subject("account", "write"), owner: subject("customer"), currency, note: z.string().optional() }),
  result: z.object({ number: z.string(), at: instant() }),
  sentence: "Open {account} in {currency}.",
});
const closeAccount = defineVerb({
  name: "account.close",
  version: 3,
  effect: "write",
  recovery: "reconcile",
  args: z.object({ account: subject("account", "write"), reason: z.string().min(3).default("closing") }),
  result: z.object({ balance: decimal() }),
  retry: { attemptsMax: 5, baseMs: 100, maxMs: 1000 },
  tags: ["bank", "slow"],
});
const listAccounts = defineVerb({
  name: "account.list",
  version: 1,
  effect: "read",
  args: z.object({ owner: subject("customer") }),
  result: z.object({ ids: z.array(z.string()), isClear: z.boolean() }),
});
const wire = defineVerb({
  name: "bank.wire",
  version: 1,
  effect: "write",
  recovery: "manual",
  mode: "durable",
  args: z.object({
    from: subject("account", "write"),
    to: z.array(subject("account", "write")),
    amount: decimal(),
    trace: plain(z.string()),
  }),
  result: z.object({ reference: z.string() }),
});
const askDesk = defineVerb({
  name: "desk.ask",
  version: 1,
  effect: "read",
  mode: "human_gate",
  args: z.object({ question: z.string() }),
  result: z.object({ ok: z.boolean(), account: z.string() }),
});
const tell = defineVerb({ name: "mail.tell", version: 2, effect: "pure", args: z.object({ about: anything }), result: anything });
const store = defineVerb({
  name: "record.store",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ record: anything, tags: z.record(z.string(), z.int()).optional() }),
  result: z.object({}),
});

const onboard = defineMacro({
  name: "customer.onboard",
  version: 1,
  params: z.object({ customer: subject("customer"), currencies: z.array(currency), note: z.string().optional() }),
  body: ({ params, step, forEach, allocate }) => ({
    numbers: forEach(
      "accounts",
      params.currencies,
      (each) =>
        step("open", openAccount, { account: allocate("account"), owner: params.customer, currency: each, note: params.note })
          .result.number,
    ),
  }),
});
const offboard = defineMacro({
  name: "customer.offboard",
  version: 1,
  title: "Off-board a customer",
  params: z.object({ customer: subject("customer") }),
  body: ({ params, step, forEach, lookup, require, eq }) => {
    const open = lookup("open", listAccounts, { owner: params.customer });
    require("clear", listAccounts, { owner: params.customer }, { isClear: true }, { recheck: "on_resume" });
    const asked = step("ask", askDesk, { question: "close them all?" });
    const balances = forEach(
      "close",
      open.ids,
      (id) => step("one", closeAccount, { account: id }, { after: [asked], when: eq(asked.result.ok, true) }).result.balance,
    );
    const paid = step("pay", wire, {
      from: asked.result.account,
      to: ["a-9"],
      amount: "1.50",
      trace: "0190a000-0000-7000-8000-000000000001",
    });
    return { balances, reference: paid.result.reference };
  },
});
const notice = defineMacro({
  name: "mail.notice",
  version: 1,
  params: z.object({ name: z.string(), isLoud: z.boolean().default(false) }),
  body: ({ params, step, when, concat, bind }) => {
    when(
      params.isLoud,
      () => void step("loud", tell, { about: concat("HEY ", params.name) }),
      () => void step("calm", tell, { about: { to: params.name, from: bind("desk", z.string()) } }),
    );
    return {};
  },
});
const campaign = defineMacro({
  name: "mail.campaign",
  version: 4,
  params: z.object({ people: z.array(z.object({ id: z.string(), loud: z.boolean() })) }),
  body: ({ params, invoke, step, forEach }) => {
    const sent = forEach("people", params.people, { key: (person) => person.id }, (person) => {
      invoke("say", notice, { name: person.id, isLoud: person.loud });
      return person.id;
    });
    step("done", tell, { about: sent });
    return { sent };
  },
});
const filing = defineMacro({
  name: "record.file",
  version: 1,
  params: z.object({ rows: z.array(anything) }),
  body: ({ params, step, forEach, allocate }) => {
    const folder = allocate("folder");
    const head = step("head", store, { record: { folder } });
    forEach("rows", params.rows, { key: "index" }, (row) => {
      step("file", store, { record: [folder, allocate("page"), row] }, { after: [head], optional: true });
      return null;
    });
    return { folder };
  },
});

const VERBS = [openAccount, closeAccount, listAccounts, wire, askDesk, tell, store] as const;
const MACROS = [onboard, offboard, notice, campaign, filing] as const;

/** In which order things are registered and written: it must not matter. */
export type Order = "declared" | "reversed";

interface Golden {
  readonly name: string;
  readonly invoke: string;
  readonly args: unknown;
  readonly context?: CompileContext;
  readonly more?: Partial<CompileRequest>;
}

const UUID = "0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e";
const found = (ids: readonly string[]): ReadonlyMap<string, PinnedAnswer> =>
  new Map([
    ["open", { response: { ids, isClear: true } }],
    ["clear", { response: { ids, isClear: true } }],
  ]);
const two = { customer: "c-7", currencies: ["EUR", "USD"] };
const people = [
  { id: "ann", loud: true },
  { id: "bob", loud: false },
];
const desk: CompileContext = { bindings: { desk: "d-1" } };

const GOLDEN: readonly Golden[] = [
  { name: "verb, pure", invoke: "mail.tell", args: { about: "hello" } },
  { name: "verb, null", invoke: "mail.tell", args: { about: null } },
  {
    name: "verb, nested data",
    invoke: "mail.tell",
    args: { about: { z: [1, -0, true, { a: "b", "10": 1, "9": 2 }], é: "ß\u2028\u0007" } },
  },
  { name: "verb, data like an expression", invoke: "mail.tell", args: { about: { $: "param", path: [] } } },
  { name: "verb, default", invoke: "account.close", args: { account: "a-1" } },
  { name: "verb, reconcile with tags", invoke: "account.close", args: { account: "a-1", reason: "moved" } },
  {
    name: "verb, durable, many subjects",
    invoke: "bank.wire",
    args: { from: "a-1", to: ["a-3", "a-2"], amount: "10.00", trace: UUID },
  },
  { name: "verb, human gate", invoke: "desk.ask", args: { question: "go?" } },
  {
    name: "verb, guessed write",
    invoke: "record.store",
    args: { record: { owner: `<${UUID.toUpperCase()}>` }, tags: { b: 2, a: 1 } },
  },
  { name: "verb, used many times", invoke: "mail.tell", args: { about: 1 }, context: { uses: "many" } },
  { name: "verb, without intent", invoke: "mail.tell", args: { about: 1 }, more: { context: {} } },
  { name: "loop, allocations", invoke: "customer.onboard", args: two },
  { name: "loop, another intent", invoke: "customer.onboard", args: two, context: { intent: "ticket-2" } },
  { name: "loop, another scope", invoke: "customer.onboard", args: two, more: { scope: "tenant-2" } },
  { name: "loop, optional given", invoke: "customer.onboard", args: { ...two, note: "vip" } },
  { name: "loop, one item", invoke: "customer.onboard", args: { customer: "c-8", currencies: ["CHF"] } },
  {
    name: "options of execution",
    invoke: "customer.onboard",
    args: two,
    context: { execution: { onFailure: "continue_independent", deadlineMs: 60_000, skipTags: ["slow", "bank"] } },
  },
  { name: "snapshot cursor", invoke: "customer.onboard", args: two, context: { snapshotCursor: "lsn-42" } },
  {
    name: "pins",
    invoke: "customer.onboard",
    args: two,
    context: { pins: { "account.open": { objectId: "o-1", snapshotId: "s-1" } } },
  },
  { name: "lower limits", invoke: "customer.onboard", args: two, context: { limits: { stepsMax: 5, humanStepsMax: 2 } } },
  {
    name: "lookups, late values, conditions",
    invoke: "customer.offboard",
    args: { customer: "c-7" },
    more: { pinned: found(["a-1", "a-2"]) },
  },
  { name: "lookups, nothing found", invoke: "customer.offboard", args: { customer: "c-7" }, more: { pinned: found([]) } },
  { name: "lookups, another answer", invoke: "customer.offboard", args: { customer: "c-7" }, more: { pinned: found(["a-3"]) } },
  { name: "branch taken", invoke: "mail.notice", args: { name: "ann", isLoud: true } },
  { name: "branch not taken, binding", invoke: "mail.notice", args: { name: "ann" }, context: desk },
  { name: "another binding", invoke: "mail.notice", args: { name: "ann" }, context: { bindings: { desk: "d-2" } } },
  { name: "nested macros in a loop", invoke: "mail.campaign", args: { people }, context: desk },
  { name: "nested macros, other order", invoke: "mail.campaign", args: { people: [...people].reverse() }, context: desk },
  { name: "keys by position, ids inside and outside a loop", invoke: "record.file", args: { rows: [{ a: 1 }, [UUID], null] } },
  {
    name: "heuristic off",
    invoke: "bank.wire",
    args: { from: "a-1", to: [], amount: "1", trace: UUID },
    more: { writeSet: "declared" },
  },
];

/** The id of every golden runbook by name, with names registered and members written in one order or the other. */
export function goldenIds(order: Order): { readonly [name: string]: string } {
  const turned = order === "reversed";
  const verbs = turned ? [...VERBS].reverse() : VERBS;
  const macros = turned ? [...MACROS].reverse() : MACROS;
  const catalog = createCatalog({ verbs, macros });
  const ids = (turned ? [...GOLDEN].reverse() : GOLDEN).map((golden): readonly [string, string] => {
    const written = turned ? membersReversed(golden) : golden;
    const outcome = compilePlan({
      catalog,
      scope: "default",
      invocation: { name: written.invoke, args: written.args },
      allowed: "all",
      limits: LIMIT_PROFILES.runbook,
      context: { intent: "ticket-1", ...written.context },
      ...written.more,
    });
    if (outcome.kind !== "planned") {
      throw new RunsealError("internal.invariant", `${golden.name}: ${JSON.stringify(outcome)}`, {
        rule: "golden runbooks compile",
      });
    }
    return [golden.name, seal(outcome).id];
  });
  return Object.fromEntries([...ids].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same data with the members of every plain object in the opposite order. */
function membersReversed<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof Map) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => membersReversed(item)) as T;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]: [string, unknown]) => [name, membersReversed(member)]),
  ) as T;
}
