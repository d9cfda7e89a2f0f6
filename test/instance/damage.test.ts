import { beforeEach, describe, expect, test } from "vitest";
import { approvalPolicy, memoryStores, verifyBundle } from "runseal";
import type { Runseal, RunsealError, RunVerdict, Stores } from "runseal";
import type { StoredEvent } from "../../src/model/event.js";
import type { StreamName } from "../../src/model/ids.js";
import { bareConnection } from "../sqlite/bare-connection.js";
import { compiled, openShop, type shop } from "./shop.js";
import { digestOfText, sha256Hex } from "../../src/json/digest.js";
import { emptyHead, eventHash } from "../../src/history/chain.js";
import { namedArtifacts } from "../../src/history/named-artifacts.js";
import { eventOf } from "../../src/history/read-event.js";
import { openForTest } from "../sqlite/filled-stores.js";
import { readJsonArtifact } from "../../src/engine/json-artifact.js";
import { tamperable, type TamperedStores } from "./tampered-stores.js";
import { tempFile } from "../sqlite/temp-file.js";

const LARGE = "x".repeat(40_000);

interface Story {
  readonly tampered: TamperedStores;
  readonly runseal: Runseal<typeof shop>;
  readonly runId: string;
  readonly stream: StreamName;
  readonly runbookStream: StreamName;
  readonly events: readonly StoredEvent[];
}

/** A run with an approval, several steps and results that are artifacts; sound. */
async function story(open: () => Promise<TamperedStores>): Promise<Story> {
  const tampered = await open();
  const { runseal } = openShop({
    stores: tampered.stores,
    approvals: approvalPolicy({ quorum: 1, expiresIn: "8h" }),
    answers: { "stock.reserve": ({ item }: { item: string }) => ({ reservation: `${item} ${LARGE}` }) },
  });
  const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["pen", "ink"] });
  await runseal.approve(runbook.id, { principal: { issuer: "desk", subject: "ines" }, viewed: runbook.documentDigest });
  const run = await runseal.execute(runbook.id);
  expect((await run.result()).status).toBe("completed");
  const stream: StreamName = `run/${run.runId}`;
  const events: StoredEvent[] = [];
  for await (const event of tampered.stores.reader.read("default", stream)) events.push(event);
  return { tampered, runseal, runId: run.runId, stream, runbookStream: `runbook/${runbook.id}`, events };
}

/** The chain made new over changed events: what somebody who knows the format would do. */
function rechained(stream: StreamName, events: readonly StoredEvent[]): readonly StoredEvent[] {
  let { hash: prev } = emptyHead("default", stream);
  return events.map((event, index) => {
    const payloadDigest = digestOfText("runseal/payload/1", event.payloadText);
    const linked = { ...event, seq: index + 1, prev, payloadDigest };
    prev = eventHash(linked);
    return { ...linked, hash: prev };
  });
}

const rulesOf = (verdict: RunVerdict): readonly string[] => verdict.problems.map(({ rule }) => rule);

describe.each(tamperable)("a run on %s", (_, open) => {
  let at: Story;
  beforeEach(async () => {
    at = await story(open);
  });

  test("is sound: chain, digests, artifacts, manifest, approvals, declared writes, head (D-022, D-060 to D-066)", async () => {
    const { runseal, runId, events } = at;
    const head = await runseal.head(runId);
    expect(await runseal.verify(runId, { head })).toEqual({
      isSound: true,
      integrity: "ok",
      completeness: "full",
      status: "completed",
      head: { scope: "default", stream: head.stream, seq: head.seq, hash: head.hash },
      events: events.length,
      problems: [],
      unobserved: ["items[pen]/reserve", "items[ink]/reserve"],
      unknown: [],
    });
  });

  test("says which artifact has a byte flipped, is cut short, emptied or swapped with another (reliability rows 58, 59; D-012)", async () => {
    const { tampered, runseal, runId, events } = at;
    for (const { id, seq } of namedArtifacts(events.map(eventOf))) {
      const bytes = (await tampered.stores.artifacts.get("default", id))?.bytes ?? new Uint8Array();
      const flipped = Uint8Array.from(bytes, (byte, index) => (index === bytes.length >> 1 ? byte ^ 1 : byte));
      for (const damaged of [flipped, bytes.slice(0, -1), new Uint8Array(), new TextEncoder().encode("{}")]) {
        await tampered.replaceArtifact(id, damaged);
        const verdict = await runseal.verify(runId);
        expect(verdict).toMatchObject({ isSound: false, completeness: "full", problems: [{ seq, rule: "artifact_damaged" }] });
        expect(verdict.integrity).toEqual({ seq, why: expect.stringContaining(id) as string });
      }
      await tampered.replaceArtifact(id, bytes);
    }
    expect((await runseal.verify(runId)).isSound).toBe(true);
  });

  test("says which artifact is gone, and that it is no longer complete", async () => {
    const { tampered, runseal, runId, events } = at;
    for (const { id, seq, isManifest } of namedArtifacts(events.map(eventOf))) {
      const bytes = (await tampered.stores.artifacts.get("default", id))?.bytes;
      await tampered.replaceArtifact(id, undefined);
      expect(await runseal.verify(runId)).toMatchObject({
        isSound: false,
        integrity: "ok",
        completeness: "partial",
        problems: [{ seq, rule: isManifest ? "manifest_missing" : "artifact_missing" }],
      });
      if (bytes === undefined) throw new TypeError("was not there");
      return;
    }
  });

  test("names the event whose payload, or anything else of it, was changed (reliability row 60)", async () => {
    const { tampered, runseal, runId, stream, events } = at;
    const changes: readonly ((event: StoredEvent) => StoredEvent)[] = [
      (event) => ({ ...event, payloadText: event.payloadText.replace("}", ',"zzz":1}') }),
      (event) => ({ ...event, payloadText: "" }),
      (event) => ({ ...event, kind: "run.paused" }),
      (event) => ({ ...event, v: 2 }),
      (event) => ({ ...event, epoch: event.epoch + 1 }),
      (event) => ({ ...event, prev: event.hash }),
      (event) => ({ ...event, hash: event.prev }),
      (event) => ({ ...event, payloadDigest: event.hash }),
    ];
    for (const [index, change] of changes.entries()) {
      const position = (index * 3) % events.length;
      await tampered.rewrite(stream, (all) => all.map((event, place) => (place === position ? change(event) : event)));
      const verdict = await runseal.verify(runId);
      expect(verdict).toMatchObject({ isSound: false, integrity: { seq: position + 1 } });
      await tampered.rewrite(stream, () => events);
    }
  });

  test("shows an event that was removed from the middle, doubled, inserted, moved or renumbered (reliability rows 61, 62)", async () => {
    const { tampered, runseal, runId, stream, events } = at;
    const renumbered = (all: readonly StoredEvent[]): readonly StoredEvent[] =>
      all.map((event, index) => ({ ...event, seq: index + 1 }));
    const third = events[2];
    if (third === undefined) throw new TypeError("too short");
    const damages: readonly (readonly StoredEvent[])[] = [
      events.filter((event) => event.seq !== 3),
      renumbered(events.filter((event) => event.seq !== 3)),
      renumbered(events.toSpliced(3, 0, third)),
      renumbered([events[0], events[2], events[1], ...events.slice(3)].flatMap((event) => event ?? [])),
      renumbered([...events.slice(1)]),
    ];
    for (const damaged of damages) {
      await tampered.rewrite(stream, () => damaged);
      expect((await runseal.verify(runId)).integrity).toMatchObject({ why: expect.any(String) as string });
      await tampered.rewrite(stream, () => events);
    }
  });

  test("cut off at its end shows by the head beside it, and where that was moved too, by a kept head only (reliability row 61)", async () => {
    const { tampered, runseal, runId, stream, events } = at;
    const head = await runseal.head(runId);
    await tampered.rewrite(stream, (all) => all.slice(0, -1));
    expect(rulesOf(await runseal.verify(runId))).toContain("head_differs");
    const last = events.at(-2);
    if (last === undefined) throw new TypeError("too short");
    await tampered.moveHead(stream, last);
    const verdict = await runseal.verify(runId, { head });
    expect(rulesOf(verdict)).toContain("log_truncated");
  });

  test("whose whole chain was written anew shows by a kept head only (reliability row 63)", async () => {
    const { tampered, runseal, runId, stream, events } = at;
    const head = await runseal.head(runId);
    const forged = rechained(
      stream,
      events.map((event) =>
        event.kind === "step.completed" ? { ...event, payloadText: event.payloadText.replace('"sum":5', '"sum":6') } : event,
      ),
    );
    const last = forged.at(-1);
    if (last === undefined) throw new TypeError("too short");
    await tampered.rewrite(stream, () => forged);
    await tampered.moveHead(stream, last);
    expect(await runseal.verify(runId)).toMatchObject({ isSound: true, integrity: "ok" });
    const verdict = await runseal.verify(runId, { head });
    expect(verdict).toMatchObject({ isSound: false, integrity: { seq: head.seq }, problems: [{ rule: "log_rewritten" }] });
  });

  test("keeps, shows and lists events of later versions (reliability row 67)", async () => {
    const { tampered, runseal, runId, stream, events } = at;
    const parked = events.slice(0, 3);
    const teleported = { ...events[3], kind: "run.teleported", v: 1, payloadText: '{"to":"the moon"}' } as StoredEvent;
    const newer = { ...events[4], kind: "step.entered", v: 2, payloadText: '{"stepId":"sum","tries":1}' } as StoredEvent;
    const forged = rechained(stream, [...parked, teleported, newer]);
    await tampered.rewrite(stream, () => forged);
    const verdict = await runseal.verify(runId);
    expect(verdict).toMatchObject({
      status: null,
      unknown: [
        { seq: 4, kind: "run.teleported", v: 1 },
        { seq: 5, kind: "step.entered", v: 2 },
      ],
    });
    const shown = [];
    for await (const event of runseal.history(runId)) shown.push([event.kind, event.payload]);
    expect(shown.slice(3)).toEqual([
      ["unknown:run.teleported", { to: "the moon" }],
      ["unknown:step.entered", { stepId: "sum", tries: 1 }],
    ]);
  });

  test("in which a later version wrote is read, and not taken up again by this one (reliability row 67)", async () => {
    const { tampered, runseal } = at;
    const runbook = await compiled(runseal, "order.deliver", { order: "o-2" });
    await runseal.approve(runbook.id, { principal: { issuer: "desk", subject: "ines" }, viewed: runbook.documentDigest });
    const run = await runseal.execute(runbook.id);
    expect((await run.result()).status).toBe("parked");
    const stream: StreamName = `run/${run.runId}`;
    let forged: readonly StoredEvent[] = [];
    await tampered.rewrite(stream, (all) => {
      const note = { ...all[3], kind: "run.noted", v: 1, payloadText: '{"by":"a later version"}' } as StoredEvent;
      return (forged = rechained(stream, all.toSpliced(3, 0, note)));
    });
    await tampered.moveHead(stream, forged.at(-1) ?? { seq: 0, hash: "" });
    expect((await runseal.status(run.runId)).status).toBe("parked");
    expect(await runseal.verify(run.runId)).toMatchObject({ isSound: true, status: "parked", unknown: [{ kind: "run.noted" }] });
    await expect(runseal.resume(run.runId)).rejects.toMatchObject({
      code: "run.unsupported_event",
      details: { seq: 4, kind: "run.noted", v: 1 },
    });
  });

  test("says that its approvals were changed, taken away or never given (decision 3.4)", async () => {
    const { tampered, runseal, runId, runbookStream } = at;
    let approvals: readonly StoredEvent[] = [];
    await tampered.rewrite(runbookStream, (all) => (approvals = all));
    const damages: readonly (readonly [readonly StoredEvent[], string])[] = [
      [approvals.map((event) => ({ ...event, payloadText: event.payloadText.replace("ines", "eve!") })), "approvals_damaged"],
      [approvals.slice(1), "approvals_damaged"],
      [approvals.slice(0, 1), "approval_mismatch"],
      [[], "approval_missing"],
      [rechained(runbookStream, approvals.slice(1)), "approval_missing"],
    ];
    for (const [damaged, rule] of damages) {
      await tampered.rewrite(runbookStream, () => damaged);
      const verdict = await runseal.verify(runId);
      expect(rulesOf(verdict)).toContain(rule);
      expect(verdict.isSound).toBe(false);
    }
  });

  test("is not verified against a head that is none, or another stream's", async () => {
    const { runseal, runId } = at;
    const hash = "0".repeat(64);
    for (const head of [
      { seq: 1, hash, stream: "run/other" },
      { seq: -1, hash },
      { seq: 1, hash: "x" },
    ]) {
      await expect(runseal.verify(runId, { head })).rejects.toMatchObject({
        code: "run.invalid_option",
        details: { option: "head" },
      });
    }
    await expect(runseal.verify("nobody")).rejects.toMatchObject({ code: "run.not_found" });
  });
});

describe("a value that was kept as an artifact", () => {
  test("is read back only as the one text of a value (D-012)", async () => {
    const stores = memoryStores();
    const texts = ['{"a":1}', '{ "a":1}', '{"a":1.5}', "{"];
    const answers: unknown[] = [];
    for (const text of texts) {
      const bytes = new TextEncoder().encode(text);
      const id = sha256Hex(bytes);
      await stores.artifacts.put("default", { id, kind: "result", bytes });
      answers.push(
        await readJsonArtifact(stores.artifacts, "default", id).catch((error: unknown) => (error as RunsealError).code),
      );
    }
    expect(answers).toEqual([{ a: 1 }, "store.corrupt", "store.corrupt", "store.corrupt"]);
    await expect(readJsonArtifact(stores.artifacts, "default", "0".repeat(64))).rejects.toMatchObject({ code: "store.corrupt" });
  });
});

describe("a runbook whose stored content is another", () => {
  test("is not executed, and verify says that it has another digest (reliability row 66)", async () => {
    const path = tempFile();
    const { runseal } = openShop({ stores: openForTest(path) });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: [] });
    const run = await runseal.execute(runbook.id);
    await run.result();
    const bare = await bareConnection(path);
    bare.exec("DROP TRIGGER runseal_runbooks_no_update");
    bare.exec("UPDATE runseal_runbooks SET content = replace(content, '\"b\":3', '\"b\":4')");
    // an instance that read it before keeps what it checked then, which is what was sealed; nobody takes up anything else
    const { runseal: later } = openShop({ stores: openForTest(path) });
    await expect(later.execute(runbook.id)).rejects.toMatchObject({ code: "store.corrupt", details: { what: "runbook" } });
    expect(await runseal.verify(run.runId)).toMatchObject({
      isSound: false,
      integrity: { seq: null },
      problems: [{ rule: "runbook_digest" }],
    });
    bare.exec("DROP TRIGGER runseal_runbooks_no_delete");
    bare.exec("DELETE FROM runseal_runbooks");
    expect(await runseal.verify(run.runId)).toMatchObject({
      integrity: "ok",
      completeness: "partial",
      problems: [{ rule: "runbook_missing" }],
    });
  });
});

describe("a run that moves on while it is read", () => {
  test("is verified and exported as it was at the beginning", async () => {
    const stores = memoryStores();
    const { runseal } = openShop({ stores });
    const runbook = await compiled(runseal, "order.deliver", { order: "o-1" });
    const run = await runseal.execute(runbook.id);
    await run.result();
    const stream: StreamName = `run/${run.runId}`;
    const parked = await stores.reader.head("default", stream);
    await runseal.decide(run.runId, "confirm", { verdict: "reject", principal: { issuer: "desk", subject: "ines" } });
    expect((await (await runseal.resume(run.runId)).result()).status).toBe("failed");
    const late = (): Stores => {
      let isFirst = true;
      const head: Stores["reader"]["head"] = async (scope, name) => {
        if (name !== stream || !isFirst) return stores.reader.head(scope, name);
        isFirst = false;
        return parked;
      };
      return {
        ...stores,
        reader: { head, read: (...asked) => stores.reader.read(...asked), heads: (scope) => stores.reader.heads(scope) },
      };
    };
    const seq = parked?.seq ?? 0;
    expect(await openShop({ stores: late() }).runseal.verify(run.runId)).toMatchObject({
      isSound: true,
      status: "parked",
      head: { seq },
    });
    const bundle = await openShop({ stores: late() }).runseal.export(run.runId);
    expect(verifyBundle(bundle)).toMatchObject({ isSound: true, status: "parked", head: { seq } });
    expect(await runseal.verify(run.runId)).toMatchObject({ isSound: true, status: "failed" });
  });
});
