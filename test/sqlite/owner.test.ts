import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { livenessOf, makeOwner, ownerOf } from "../../src/sql/owner.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";

describe("the owner text (decision 3.7)", () => {
  test("names host, pid, start time and a nonce, another one each time", () => {
    const [host, pid, start, nonce] = makeOwner().split("/");
    expect(host).not.toBe("");
    expect(pid).toBe(String(process.pid));
    expect(start).toMatch(process.platform === "linux" ? /^\d+$/ : /^$/);
    expect(nonce).not.toBe("");
    expect(new Set(Array.from({ length: 1000 }, makeOwner)).size).toBe(1000);
  });

  test("says that this process lives", () => {
    expect(livenessOf(makeOwner())).toBe("alive");
  });

  test("says that a killed process is gone, also before anybody has reaped it", async () => {
    // the shell never waits for its child, which stays behind as a zombie
    const shell = spawn("sh", ["-c", "sleep 600 & echo $!; exec sleep 600"], { stdio: ["ignore", "pipe", "ignore"] });
    const [line] = (await once(shell.stdout, "data")) as [Buffer];
    const pid = Number(line.toString("utf8"));
    const owner = ownerOf(pid);
    expect(livenessOf(owner)).toBe("alive");
    process.kill(pid, "SIGKILL");
    await eventually("the killed process is gone", () => livenessOf(owner) === "gone");
    shell.kill("SIGKILL");
    await once(shell, "exit");
  });

  test("says that a pid that was given out again is somebody else", () => {
    const [host, pid, start, nonce] = makeOwner().split("/");
    expect(livenessOf([host, pid, String(Number(start) - 1), nonce].join("/"))).toBe("gone");
  });

  test("tells by the pid alone where start times can't be read", () => {
    const [host] = makeOwner().split("/");
    expect(livenessOf(`${host}/${process.pid}//n`)).toBe("alive");
    expect(livenessOf(`${host}/1//n`)).toBe("alive");
    expect(livenessOf(`${host}/4194999//n`)).toBe("gone");
  });

  test("can't tell of other hosts, and of texts that are none", () => {
    const [host, pid, start, nonce] = makeOwner().split("/");
    const odd = [
      `other/${pid}/${start}/${nonce}`,
      "",
      "memory/1",
      `${host}`,
      `${host}/x/1/n`,
      `${host}/-1/1/n`,
      `${host}/0/1/n`,
      `${host}/1/1/n/m`,
    ];
    expect(odd.map(livenessOf)).toEqual(odd.map(() => "unknown"));
  });
});
