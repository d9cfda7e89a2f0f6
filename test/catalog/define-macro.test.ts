import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { defineMacro, defineVerb, subject } from "runseal";
import type { Body, EntityId, Macro, Sym } from "runseal";

const currency = z.enum(["EUR", "USD"]);
const openAccount = defineVerb({
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
const sendMail = defineVerb({
  name: "mail.send",
  version: 1,
  effect: "write",
  recovery: "manual",
  args: z.object({ to: z.string(), numbers: z.array(z.string()), meta: z.json().optional() }),
  result: z.object({ id: z.string() }),
});
const listAccounts = defineVerb({
  name: "account.list",
  version: 1,
  effect: "read",
  args: z.object({ owner: subject("customer") }),
  result: z.object({ ids: z.array(subject("account")), owner: z.object({ blocked: z.boolean(), tier: z.string().nullable() }) }),
});
const onboard = defineMacro({
  name: "customer.onboard",
  version: 1,
  params: z.object({
    customer: subject("customer"),
    vip: z.boolean(),
    note: z.string().optional(),
    currencies: z.array(currency),
    contact: z.object({ email: z.string() }),
  }),
  body: ({ params, step, forEach, when, allocate, eq, concat }) => {
    const numbers = forEach("accounts", params.currencies, (each) => {
      const open = step("open", openAccount, {
        account: allocate("account"),
        owner: params.customer,
        currency: each,
        note: params.note,
      });
      return open.result.number;
    });
    expectTypeOf(numbers).toEqualTypeOf<Sym<string[], "late">>();
    const sent = step("mail", sendMail, { to: concat("mailto:", params.contact.email), numbers });
    when(eq(params.vip, true), () => {
      step(
        "mail2",
        sendMail,
        { to: params.contact.email, numbers: ["a", sent.result.id], meta: { ok: params.vip } },
        { after: [sent] },
      );
    });
    return { numbers, mail: sent.result.id };
  },
});

describe("defineMacro", () => {
  test("records what the body says, as data", () => {
    expect(onboard.definition.body).toEqual([
      {
        kind: "for_each",
        label: "accounts",
        list: { $: "param", path: ["currencies"] },
        key: { by: "item" },
        body: [
          {
            kind: "step",
            label: "open",
            verb: "account.open",
            args: {
              account: { $: "allocate", kind: "account", ordinal: 0, loop: "accounts" },
              owner: { $: "param", path: ["customer"] },
              currency: { $: "item", loop: "accounts", path: [] },
              note: { $: "param", path: ["note"] },
            },
            after: [],
          },
        ],
        yields: { $: "result", step: "accounts/open", path: ["number"] },
      },
      {
        kind: "step",
        label: "mail",
        verb: "mail.send",
        args: {
          to: { $: "concat", of: ["mailto:", { $: "param", path: ["contact", "email"] }] },
          numbers: { $: "collect", loop: "accounts", path: [] },
        },
        after: [],
      },
      {
        kind: "when",
        condition: { $: "eq", of: [{ $: "param", path: ["vip"] }, true] },
        then: [
          {
            kind: "step",
            label: "mail2",
            verb: "mail.send",
            args: {
              to: { $: "param", path: ["contact", "email"] },
              numbers: ["a", { $: "result", step: "mail", path: ["id"] }],
              meta: { ok: { $: "param", path: ["vip"] } },
            },
            after: ["mail"],
          },
        ],
        otherwise: [],
      },
    ]);
    expect(onboard.definition.output).toEqual({
      numbers: { $: "collect", loop: "accounts", path: [] },
      mail: { $: "result", step: "mail", path: ["id"] },
    });
  });
});

export type Unused = [Body<never>, EntityId<"x">, Macro];
void listAccounts;
