import { z } from "zod";
import { defineVerb, subject } from "runseal";

/** Labels that several samples share. */
export const currency = z.enum(["EUR", "USD"]);

/** Writes, has optional arguments, a default, two entity kinds and a nested result. */
export const openAccount = defineVerb({
  name: "account.open",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({
    account: subject("account", "write"),
    owner: subject("customer"),
    currency,
    note: z.string().optional(),
    tags: z.array(z.string()).default([]),
  }),
  result: z.object({ number: z.string(), opened: z.boolean(), limits: z.array(z.object({ cap: z.int() })) }),
});

/** Writes by hand, takes any JSON. */
export const sendMail = defineVerb({
  name: "mail.send",
  version: 1,
  effect: "write",
  recovery: "manual",
  args: z.object({ to: z.string(), numbers: z.array(z.string()), meta: z.json().optional() }),
  result: z.object({ id: z.string() }),
});

/** Reads; its result has lists, optional and nullable parts. */
export const listAccounts = defineVerb({
  name: "account.list",
  version: 1,
  effect: "read",
  args: z.object({ owner: subject("customer") }),
  result: z.object({
    ids: z.array(subject("account")),
    owner: z.object({ blocked: z.boolean(), tier: z.string().nullable() }),
    notes: z.record(z.string(), z.string()),
    last: z.object({ at: z.string() }).optional(),
    extra: z.json(),
  }),
});

/** Asks the verb itself whether its effect happened. */
export const closeAccount = defineVerb({
  name: "account.close",
  version: 1,
  effect: "write",
  recovery: "reconcile",
  args: z.object({ account: subject("account", "write"), others: z.array(subject("account", "write")).optional() }),
  result: z.object({}),
});

/** A person decides. */
export const approveClosing = defineVerb({
  name: "closing.approve",
  version: 1,
  effect: "read",
  mode: "human_gate",
  args: z.object({ customer: subject("customer") }),
  result: z.object({ approved: z.boolean() }),
});

/** Parameters with one of everything that a body can read. */
export const everything = z.object({
  name: z.string(),
  flag: z.boolean(),
  count: z.int(),
  customer: subject("customer"),
  currency,
  note: z.string().optional(),
  currencies: z.array(currency),
  ids: z.array(subject("account")),
  pages: z.array(z.object({ id: z.string(), title: z.string() })),
  pair: z.tuple([z.string(), z.int()]),
  labels: z.record(z.string(), z.int()),
  contact: z.object({ email: z.string(), phone: z.string().optional() }),
  payment: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("card"), number: z.string() }),
    z.object({ kind: z.literal("iban"), iban: z.string(), bank: z.object({ bic: z.string() }) }),
  ]),
});
