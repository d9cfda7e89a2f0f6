import { approvalPolicy } from "runseal";
import type { Runseal } from "runseal";
import { answers, compiled, openShop, type shop } from "./shop.js";

/** A run that was exported, and the head that somebody kept of it. */
export interface Exported {
  readonly runseal: Runseal<typeof shop>;
  readonly runId: string;
  readonly bundle: string;
  readonly head: { readonly seq: number; readonly hash: string; readonly stream: string };
  readonly status: string;
}

type Shop = ReturnType<typeof openShop>["runseal"];

/** Runs of every kind whose bundles are checked. */
export const stories: Readonly<Record<string, () => Promise<Exported>>> = {
  "completed, with approval and artifacts": async () => {
    const large = "x".repeat(40_000);
    const { runseal } = openShop({
      approvals: approvalPolicy({ quorum: 1 }),
      build: { gitCommit: "abc" },
      answers: { "stock.reserve": ({ item }: { item: string }) => ({ reservation: `${item} ${large}` }) },
    });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["pen", "ink"] });
    await runseal.approve(runbook.id, { principal: { issuer: "desk", subject: "ines" }, viewed: runbook.documentDigest });
    return finished(runseal, runbook.id);
  },
  "parked, with messages in its inbox": async () => {
    const { runseal } = openShop();
    const runbook = await compiled(runseal, "order.deliver", { order: "o-1" });
    const run = await runseal.execute(runbook.id);
    await run.result();
    await runseal.decide(run.runId, "confirm", {
      verdict: "approve",
      principal: { issuer: "desk", subject: "ines" },
      payload: { note: 'Straße 1 \u2028 \u{1f4e6} \\ " \n' },
    });
    await (await runseal.resume(run.runId)).result();
    await runseal.signal(run.runId, "early", { word: "not yet waited for" });
    return exported(runseal, run.runId);
  },
  "failed, and tried again before": async () => {
    const { runseal } = openShop({
      answers: {
        "math.add": () => {
          throw Object.assign(new Error("no"), { code: "sum.refused", category: "policy", retryable: false });
        },
      },
    });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: [] });
    return finished(runseal, runbook.id);
  },
  "observed by ctx.writes": async () => {
    const { runseal } = openShop({
      answers: {
        ...answers,
        "stock.reserve": ({ item }: { item: string }, ctx: { writes(kind: string, id: string): void }) => {
          ctx.writes("order", "o-1");
          return { reservation: item };
        },
      },
    });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["pen"] });
    return finished(runseal, runbook.id);
  },
  "canceled before it started": async () => {
    const { runseal } = openShop();
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: [] });
    const run = await runseal.submit(runbook.id, { labels: { team: "ops" } });
    await runseal.cancel(run.runId, "changed our mind");
    return exported(runseal, run.runId);
  },
  "of another scope": async () => {
    const runseal = openShop({ scope: "tenant-7" }).runseal;
    const runbook = await compiled(runseal, "order.quoted", { item: "pen" });
    return finished(runseal, runbook.id);
  },
};

async function finished(runseal: Shop, id: string): Promise<Exported> {
  const run = await runseal.execute(id);
  await run.result();
  return exported(runseal, run.runId);
}

async function exported(runseal: Shop, runId: string): Promise<Exported> {
  const head = await runseal.head(runId);
  const { status } = await runseal.status(runId);
  return { runseal, runId, bundle: await runseal.export(runId), head, status };
}
