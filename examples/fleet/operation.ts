import { z } from "zod";
import { createCatalog, defineMacro, defineVerb, subject } from "runseal";

const customer = subject("customer", "write");
/** Which process did it: only so that the demonstration can show it. */
const by = z.string();

export const write = defineVerb({
  name: "bill.write",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ customer, month: z.string() }),
  result: z.object({ number: z.string(), cents: z.int(), by }),
  sentence: "Write the bill of {month} for {customer}",
});

/** Nobody wants to be charged twice: after a crash the bank is asked whether it happened. */
export const charge = defineVerb({
  name: "bill.charge",
  version: 1,
  effect: "write",
  recovery: "reconcile",
  args: z.object({ customer, number: z.string(), cents: z.int() }),
  result: z.object({ payment: z.string(), by }),
  sentence: "Charge {customer}",
});

export const mail = defineVerb({
  name: "bill.mail",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ customer, number: z.string(), payment: z.string() }),
  result: z.object({ by }),
  sentence: "Mail the bill to {customer}",
});

/** The bills of a month: written, charged and mailed, customer by customer. */
export const month = defineMacro({
  name: "billing.month",
  version: 1,
  params: z.object({ month: z.string(), customers: z.array(subject("customer")) }),
  body: ({ params, step, forEach }) => {
    const payments = forEach("bills", params.customers, { key: (customer) => customer }, (customer) => {
      const bill = step("write", write, { customer, month: params.month }).result;
      const { payment } = step("charge", charge, { customer, number: bill.number, cents: bill.cents }).result;
      step("mail", mail, { customer, number: bill.number, payment });
      return payment;
    });
    return { payments };
  },
});

export const catalog = createCatalog({ verbs: [write, charge, mail], macros: [month] });
