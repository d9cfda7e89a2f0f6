import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { BuildOptions } from "runseal";
import { PACKAGE_VERSION } from "../../src/instance/package-version.js";
import { buildProvenance } from "../../src/instance/build.js";
import { compiled, openShop } from "./shop.js";

const pkg = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { readonly version: string };

describe("the build that a run records (D-022, decision 4.10)", () => {
  test("names the version of this package as package.json has it", () => {
    expect(PACKAGE_VERSION).toBe(pkg.version);
  });

  test("holds commit, lock file, versions, platform and the values of allow-listed variables, null where not known", () => {
    expect(buildProvenance(undefined, {})).toEqual({
      gitCommit: null,
      lockfileHash: null,
      nodeVersion: process.version,
      packageVersion: pkg.version,
      platform: expect.stringMatching(/^[a-z]+[0-9]*-[a-z0-9]+$/) as string,
      envAllowlist: {},
    });
    const options = { gitCommit: "abc", lockfileHash: "sha512-x", envAllowlist: ["NODE_ENV", "REGION"] };
    expect(buildProvenance(options, { NODE_ENV: "production", HIDDEN: "x" })).toMatchObject({
      gitCommit: "abc",
      lockfileHash: "sha512-x",
      envAllowlist: { NODE_ENV: "production", REGION: null },
    });
  });

  test.each<[string, unknown, string]>([
    ["a commit that is no text", { gitCommit: 7 }, "build.gitCommit"],
    ["an empty lock file hash", { lockfileHash: "" }, "build.lockfileHash"],
    ["a text that is too long", { gitCommit: "x".repeat(1_001) }, "build.gitCommit"],
    ["a list that is none", { envAllowlist: "NODE_ENV" }, "build.envAllowlist"],
    ["too many names", { envAllowlist: Array.from({ length: 65 }, (_, index) => `V${index}`) }, "build.envAllowlist"],
    ["a name that is none", { envAllowlist: ["a=b"] }, "build.envAllowlist"],
    ["a name that is no text", { envAllowlist: [1] }, "build.envAllowlist"],
    ["a value that is too long", { envAllowlist: ["LONG"] }, "build.envAllowlist"],
    ["a value that is not well-formed", { envAllowlist: ["ODD"] }, "build.envAllowlist"],
  ])("refuses %s", (_, options, option) => {
    const env = { LONG: "x".repeat(1_001), ODD: "\ud800" };
    expect(() => buildProvenance(options as BuildOptions, env)).toThrow(
      expect.objectContaining({ code: "instance.misconfigured", details: { option } }) as Error,
    );
  });

  test("refuses to record a credential, by the value's shape or by the variable's name (D-091)", () => {
    const token = `ghp_${"x".repeat(36)}`;
    const refusals: readonly (readonly [BuildOptions, string])[] = [
      [{ gitCommit: token }, "/build/gitCommit"],
      [{ envAllowlist: ["CI_JOB"] }, "/build/envAllowlist/CI_JOB"],
      [{ envAllowlist: ["DB_PASSWORD"] }, "/build/envAllowlist/DB_PASSWORD"],
      [{ envAllowlist: ["STRIPE_API_KEY"] }, "/build/envAllowlist/STRIPE_API_KEY"],
      [{ envAllowlist: ["TOKEN"] }, "/build/envAllowlist/TOKEN"],
    ];
    for (const [options, pointer] of refusals) {
      expect(() => buildProvenance(options, { CI_JOB: token })).toThrow(
        expect.objectContaining({ code: "secret.detected", details: expect.objectContaining({ pointer }) as object }) as Error,
      );
    }
    expect(() => openShop({ build: { gitCommit: token } })).toThrow(
      expect.objectContaining({ code: "secret.detected" }) as Error,
    );
  });

  test("stands in run.started and in the manifest that it names", async () => {
    const { runseal, stores } = openShop({ build: { gitCommit: "abc" } });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["pen"] });
    const run = await runseal.execute(runbook.id);
    await run.result();
    for await (const event of run.events()) {
      if (event.kind !== "run.started") continue;
      expect(event.payload.build).toMatchObject({ gitCommit: "abc", packageVersion: pkg.version });
      const artifact = await stores.artifacts.get("default", String(event.payload.manifestId));
      const manifest = JSON.parse(new TextDecoder().decode(artifact?.bytes)) as unknown;
      expect(manifest).toMatchObject({
        runbookId: runbook.id,
        documentDigest: runbook.documentDigest,
        build: event.payload.build,
      });
      return;
    }
    throw new Error("not started");
  });
});
