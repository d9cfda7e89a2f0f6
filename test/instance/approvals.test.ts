import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { approvalMessage, approvalPolicy, isRunsealError, memoryStores } from "runseal";
import { manualClock } from "runseal/testing";
import { compiled, openShop } from "./shop.js";

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "nothing was thrown";
  } catch (error) {
    return isRunsealError(error) ? error.code : String(error);
  }
}

const ines = { principal: { issuer: "desk", subject: "ines" } };
const omar = { principal: { issuer: "desk", subject: "omar" } };

describe("approvals (decision 3.4)", () => {
  test("a writing runbook needs as many different people as the policy says, and the start spends them", async () => {
    const { runseal } = openShop({ approvals: approvalPolicy({ quorum: 2 }) });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const viewed = runbook.documentDigest;
    expect(await codeOf(runseal.execute(runbook.id))).toBe("admission.approval_missing");
    await runseal.approve(runbook.id, { ...ines, viewed });
    await runseal.approve(runbook.id, { ...ines, viewed });
    expect(await codeOf(runseal.execute(runbook.id))).toBe("admission.approval_missing");
    await runseal.approve(runbook.id, { ...omar, viewed });
    const run = await runseal.execute(runbook.id);
    expect((await run.result()).status).toBe("completed");
    expect(
      (await runseal.approvals(runbook.id))
        .filter((approval) => approval.status === "consumed")
        .map((approval) => approval.runId),
    ).toEqual([run.runId, run.runId]);
  });

  test("reading runbooks need none", async () => {
    const { runseal } = openShop({ approvals: approvalPolicy() });
    expect(await runseal.run("order.quoted", { item: "tea" }, { intent: "t" })).toEqual({ sum: 42 });
  });

  test("what was viewed must be a document of this very runbook", async () => {
    const { runseal } = openShop({ approvals: approvalPolicy() });
    const a = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const b = await compiled(runseal, "order.buy", { order: "o-2", items: ["tea"] });
    expect(await codeOf(runseal.approve(a.id, { ...ines, viewed: b.documentDigest }))).toBe("admission.document_mismatch");
    expect(await codeOf(runseal.approve(a.id, { viewed: a.documentDigest }))).toBe("admission.unauthenticated");
  });

  test("an approval expires by the store's clock, can be revoked, and a rejection stands until it is", async () => {
    const clock = manualClock();
    const { runseal } = openShop({ approvals: approvalPolicy({ expiresIn: "1h" }), clock, stores: memoryStores({ clock }) });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const viewed = runbook.documentDigest;
    await runseal.approve(runbook.id, { ...ines, viewed });
    await clock.advance(3_600_000);
    expect(await codeOf(runseal.execute(runbook.id))).toBe("admission.approval_expired");
    const second = await runseal.approve(runbook.id, { ...ines, viewed });
    await runseal.revokeApproval(runbook.id, second.nonce, { ...omar, reason: "no" });
    expect(await codeOf(runseal.execute(runbook.id))).toBe("admission.approval_expired");
    await runseal.approve(runbook.id, { ...ines, viewed });
    const rejection = await runseal.approve(runbook.id, { ...omar, viewed, decision: "reject" });
    expect(await codeOf(runseal.execute(runbook.id))).toBe("admission.approval_refused");
    await runseal.revokeApproval(runbook.id, rejection.nonce, omar);
    expect((await (await runseal.execute(runbook.id)).result()).status).toBe("completed");
    expect(await codeOf(runseal.revokeApproval(runbook.id, rejection.nonce, omar))).toBe("admission.approval_refused");
  });

  test("who asked for it does not count, roles do", async () => {
    const { runseal } = openShop({ approvals: approvalPolicy({ roles: ["ops"] }) });
    const outcome = await runseal.compile(
      { name: "order.buy", args: { order: "o-1", items: ["tea"] } },
      { intent: "t", requestedBy: { issuer: "desk", subject: "ines" } },
    );
    if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
    const { id, documentDigest: viewed } = outcome.runbook;
    const claims = { roles: ["ops"] };
    await runseal.approve(id, { principal: { ...ines.principal, claims }, viewed });
    await runseal.approve(id, { ...omar, viewed });
    expect(await codeOf(runseal.execute(id))).toBe("admission.approval_missing");
    await runseal.approve(id, { principal: { ...omar.principal, claims }, viewed });
    expect((await (await runseal.execute(id)).result()).status).toBe("completed");
  });

  test("with authenticate only a credential that proves somebody counts, and it is stored nowhere", async () => {
    const credential = `token-${"x".repeat(30)}`;
    const { runseal } = openShop({
      approvals: approvalPolicy(),
      authenticate: (given) => {
        if (given === "boom") throw new TypeError(credential);
        return given === credential ? { issuer: "idp", subject: "ines", claims: {} } : null;
      },
    });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const viewed = runbook.documentDigest;
    expect(await codeOf(runseal.approve(runbook.id, { ...ines, viewed }))).toBe("admission.unauthenticated");
    expect(await codeOf(runseal.approve(runbook.id, { credential: "wrong", viewed }))).toBe("admission.unauthenticated");
    expect(await codeOf(runseal.approve(runbook.id, { credential: "boom", viewed }))).toBe("admission.unauthenticated");
    await runseal.approve(runbook.id, { credential, viewed });
    expect(await runseal.approvals(runbook.id)).toMatchObject([
      { issuer: "idp", subject: "ines", vouchedBy: "authenticated", status: "given" },
    ]);
    expect(JSON.stringify(await runseal.approvals(runbook.id))).not.toContain(credential);
  });

  test("a detached Ed25519 signature is verified where the principal has a key", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const { runseal } = openShop({ approvals: approvalPolicy() });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    const viewed = runbook.documentDigest;
    const principal = { ...ines.principal, claims: { publicKey: String(publicKey.export({ type: "spki", format: "pem" })) } };
    const message = Buffer.from(approvalMessage({ runbookId: runbook.id, documentDigest: viewed, decision: "approve" }));
    const signature = sign(null, message, privateKey).toString("base64");
    const other = sign(null, Buffer.from("other"), privateKey).toString("base64");
    expect(await codeOf(runseal.approve(runbook.id, { principal, viewed, signature: other }))).toBe("admission.approval_refused");
    expect((await runseal.approve(runbook.id, { principal, viewed, signature })).signature).toBe(signature);
  });
});
