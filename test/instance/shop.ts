import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, memoryStores, subject } from "runseal";
import type { RunsealOptions } from "runseal";
import { stubHandlers } from "runseal/testing";

/** A small catalog with one verb of each kind, for tests of the instance. */
export const reserve = defineVerb({
  name: "stock.reserve",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ order: subject("order", "write"), item: z.string() }),
  result: z.object({ reservation: z.string() }),
});
export const price = defineVerb({
  name: "price.quote",
  version: 1,
  effect: "read",
  args: z.object({ item: z.string() }),
  result: z.object({ cents: z.int() }),
});
export const add = defineVerb({
  name: "math.add",
  version: 1,
  effect: "pure",
  args: z.object({ a: z.int(), b: z.int() }),
  result: z.object({ sum: z.int() }),
});
export const confirm = defineVerb({
  name: "order.confirm",
  version: 1,
  effect: "pure",
  mode: "human_gate",
  args: z.object({ order: subject("order") }),
  result: z.object({ note: z.string() }),
});
export const ship = defineVerb({
  name: "parcel.ship",
  version: 1,
  effect: "write",
  recovery: "manual",
  mode: "durable",
  args: z.object({ order: subject("order", "write") }),
  result: z.object({ parcel: z.string() }),
});

export const buy = defineMacro({
  name: "order.buy",
  version: 1,
  params: z.object({ order: subject("order"), items: z.array(z.string()) }),
  body: ({ params, step, forEach }) => {
    const reservations = forEach(
      "items",
      params.items,
      (item) => step("reserve", reserve, { order: params.order, item }).result.reservation,
    );
    const sum = step("sum", add, { a: 2, b: 3 });
    return { reservations, sum: sum.result.sum };
  },
});
export const deliver = defineMacro({
  name: "order.deliver",
  version: 1,
  params: z.object({ order: subject("order") }),
  body: ({ params, step }) => {
    const confirmed = step("confirm", confirm, { order: params.order });
    const shipped = step("ship", ship, { order: params.order }, { after: [confirmed] });
    return { note: confirmed.result.note, parcel: shipped.result.parcel };
  },
});
export const quoted = defineMacro({
  name: "order.quoted",
  version: 1,
  params: z.object({ item: z.string() }),
  body: ({ params, lookup, step }) => {
    const quote = lookup("quote", price, { item: params.item });
    return { sum: step("double", add, { a: quote.cents, b: quote.cents }).result.sum };
  },
});

export const shop = createCatalog({ verbs: [reserve, price, add, confirm, ship], macros: [buy, deliver, quoted] });

/** What the stubs answer unless a test says otherwise. */
export const answers: { readonly [verb: string]: unknown } = {
  "stock.reserve": ({ item }: { item: string }) => ({ reservation: `r-${item}` }),
  "price.quote": { cents: 21 },
  "math.add": ({ a, b }: { a: number; b: number }) => ({ sum: a + b }),
  "parcel.ship": (_args: unknown, ctx: { park(): unknown }) => ctx.park(),
};

/** An instance of the shop on memory stores, with stub handlers that remember their calls. */
export function openShop(
  options: Partial<RunsealOptions<typeof shop>> & { readonly answers?: { readonly [verb: string]: unknown } } = {},
) {
  const { answers: own, ...rest } = options;
  const { handlers, calls } = stubHandlers(shop, { ...answers, ...own });
  // the gate is decided by people, not by a stub
  const { "order.confirm": _gate, ...others } = handlers as Record<string, unknown>;
  const stores = options.stores ?? memoryStores();
  const runseal = createRunseal({ catalog: shop, handlers: others as typeof handlers, policy: allowAll(), ...rest, stores });
  return { runseal, calls, stores };
}

/** Compiles and insists on a runbook. */
export async function compiled(runseal: ReturnType<typeof openShop>["runseal"], name: string, args: unknown, intent = "t-1") {
  const outcome = await runseal.compile({ name, args }, { intent });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook;
}
