import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/json/value.js";
import type { Stores } from "../../src/stores/stores.js";
import { Rig } from "./rig.js";
import { buildRunbook } from "./build-runbook.js";
import { isRunsealError } from "../../src/errors/error.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";

const runbook = buildRunbook({ steps: [{ id: "a" }] });

/** Memory stores whose artifacts are read as `answer` says. */
function readingArtifacts(stores: Stores, answer: Stores["artifacts"]["get"]): Stores {
  return { ...stores, artifacts: { put: (scope, artifact) => stores.artifacts.put(scope, artifact), get: answer } };
}

async function started(): Promise<{ rig: Rig; runId: string; manifestId: string }> {
  const rig = new Rig();
  const runId = await rig.submit(runbook, { labels: { team: "ops" }, concurrency: 3 });
  await rig.claim(runbook, runId);
  const event = (await rig.events(runId)).find(({ kind }) => kind === "run.started");
  if (event?.kind !== "run.started") throw new Error("not started");
  return { rig, runId, manifestId: String(event.payload.manifestId) };
}

/** Takes the run up in another process whose artifacts are read as `answer` says; the code of the refusal. */
async function takeUp(runId: string, rig: Rig, answer: Stores["artifacts"]["get"]): Promise<string> {
  await rig.env.advance(60_000);
  const stores = readingArtifacts(memoryStores({ sharedWith: rig.stores }), answer);
  const other = new Rig({ stores, env: rig.env });
  try {
    await other.claim(runbook, runId, "recovered");
  } catch (error) {
    if (isRunsealError(error)) return error.code;
    throw error;
  }
  return "taken";
}

describe("a claim that starts a run", () => {
  test("stores the manifest in the same commit and names it in run.started (D-022, D-070)", async () => {
    const commits: { artifacts: readonly string[]; kinds: readonly string[] }[] = [];
    const stores = memoryStores();
    const rig = new Rig({
      stores: {
        ...stores,
        events: {
          commit: (writes, options) => {
            for (const { artifacts, events } of writes) {
              commits.push({ artifacts: artifacts.map(({ kind }) => kind), kinds: events.map(({ kind }) => kind) });
            }
            return stores.events.commit(writes, options);
          },
          commitMany: (many) => stores.events.commitMany(many),
        },
      },
    });
    const runId = await rig.submit(runbook);
    await rig.claim(runbook, runId);
    expect(commits).toEqual([
      { artifacts: [], kinds: ["run.submitted"] },
      { artifacts: ["manifest"], kinds: ["lease.taken", "run.started"] },
    ]);
  });

  test("gives runs that were started alike one manifest, whose configuration is the submission's (D-021)", async () => {
    const { rig, runId, manifestId } = await started();
    const artifact = await rig.stores.artifacts.get("default", manifestId);
    const manifest = JSON.parse(new TextDecoder().decode(artifact?.bytes)) as JsonObject;
    expect(manifest).toMatchObject({
      runbookId: runbook.id,
      config: { uses: "once", concurrency: 3, queue: "default", priority: 0, labels: { team: "ops" }, dedupKey: null },
    });
    expect((await started()).manifestId).toBe(manifestId);
    expect(runId).not.toBe("");
  });
});

describe("a claim that takes a run up again", () => {
  test("goes on where the manifest is there, intact and of this runbook (D-073)", async () => {
    const { rig, runId } = await started();
    expect(await takeUp(runId, rig, (scope, id) => rig.stores.artifacts.get(scope, id))).toBe("taken");
  });

  test("is refused without it, with damaged bytes, or with the manifest of another run, and takes no lease (D-041)", async () => {
    const { rig, runId } = await started();
    const other = await rig.submit(buildRunbook({ steps: [{ id: "z" }] }));
    await rig.claim(buildRunbook({ steps: [{ id: "z" }] }), other);
    const [event] = (await rig.events(other)).filter(({ kind }) => kind === "run.started");
    const otherId = event?.kind === "run.started" ? String(event.payload.manifestId) : "";
    const elsewhere = await rig.stores.artifacts.get("default", otherId);
    const before = await rig.stores.reader.head("default", `run/${runId}`);
    expect(await takeUp(runId, rig, async () => undefined)).toBe("manifest.not_found");
    expect(await takeUp(runId, rig, async () => elsewhere)).toBe("manifest.runbook_mismatch");
    expect(await takeUp(runId, rig, async () => ({ kind: "manifest", bytes: new Uint8Array() }))).toBe("manifest.corrupt");
    const corrupt = await takeUp(runId, rig, async (scope) => {
      await rig.stores.artifacts.put(scope, { id: "0".repeat(64), kind: "x", bytes: new Uint8Array() });
      return undefined;
    });
    expect(corrupt).toBe("manifest.corrupt");
    await expect(
      takeUp(runId, rig, async () => {
        throw new TypeError("the disk is gone");
      }),
    ).rejects.toThrow("the disk is gone");
    expect(await rig.stores.reader.head("default", `run/${runId}`)).toEqual(before);
  });
});
