import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExecTransportOptions } from "../../src/io/exec-transport.js";
import type { JsonValue } from "../../src/json/value.js";
import { execTransport } from "../../src/io/exec-transport.js";
import { runProcess } from "../../src/io/process.js";
import { systemClock } from "../../src/time/clock.js";
import { TurnedClock } from "../stores/turned-clock.js";
import { callOf, envOf } from "./transport-call.js";

const node = realpathSync(process.execPath);
let place = "";
beforeAll(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "runseal-exec-")));
});
afterAll(() => rmSync(place, { recursive: true }));

function run(
  request: JsonValue,
  options: Partial<ExecTransportOptions> = {},
  at: Parameters<typeof callOf>[0] = {},
  clock = systemClock as never,
): Promise<JsonValue> {
  const transport = execTransport({ allow: [dirname(node), place], ...options });
  return transport(envOf({ clock })).call(request, callOf({ namespace: "exec", ...at }));
}

/** A request that runs a script of Node's; it sees its operands as `process.argv.slice(1)`. */
function script(code: string, more: { readonly [name: string]: JsonValue } = {}): JsonValue {
  return { program: node, argv: ["-e", code], ...more };
}

async function refusal(asked: Promise<unknown>): Promise<{ code: string; details: Record<string, unknown>; message: string }> {
  const error: unknown = await asked.then(
    (value) => value,
    (thrown: unknown) => thrown,
  );
  return error as never;
}

/** Whether a process is there and not only waiting to be reaped by somebody else. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc/self/stat") || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function pidIn(file: string): Promise<number> {
  await expect.poll(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"), { timeout: 10_000 }).toBe(true);
  return Number(readFileSync(file, "utf8"));
}

describe("the exec transport (D-086, X.5-28)", () => {
  test("runs a program with JSON in and JSON out, an empty environment and a fixed folder (D-086, reliability row 82)", async () => {
    const code = `let s="";process.stdin.on("data",d=>s+=d).on("end",()=>console.log(JSON.stringify({in:JSON.parse(s),env:process.env,cwd:process.cwd()})))`;
    expect(await run(script(code, { stdin: { b: 1, a: ["ü"] } }))).toEqual({
      stdout: { in: { a: ["ü"], b: 1 }, env: {}, cwd: "/" },
    });
    expect(process.env["PATH"]).toBeDefined();
    const fixed = await run(script(code, { stdin: 1, env: { TOKEN: "secret:bank", LANG: "C" } }), {
      allowEnv: ["TOKEN", "LANG"],
      fixedEnv: { PATH: "/bin", LANG: "de" },
      cwd: place,
      secrets: ["bank"],
    });
    expect(fixed).toEqual({ stdout: { in: 1, env: { TOKEN: "value of bank", LANG: "C", PATH: "/bin" }, cwd: place } });
  });

  test("arguments reach the program as they are, outside ones behind a double dash (reliability row 82)", async () => {
    const hostile = ["; rm -rf x", "$(id)", "`id`", "a\nb", "--version", "-e", "", "*", "'\"", "|", "%s"];
    const code = "console.log(JSON.stringify(process.argv.slice(1)))";
    expect(await run(script(code, { operands: hostile }))).toEqual({ stdout: hostile });
    const printf = ["/usr/bin/printf", "/bin/printf"].find((path) => existsSync(path)) ?? "";
    const told = await run({ program: printf, operands: ['["%s"]', "$(id); rm -rf x"] }, { allow: [printf] });
    expect(told).toEqual({ stdout: ["$(id); rm -rf x"] });
  });

  test.each([
    [{ program: "node" }, "program"],
    [{ program: "./node" }, "program"],
    [{ program: "/bin/a\0b" }, "program"],
    [{ program: 7 }, "program"],
    [{}, "program"],
    [{ program: "/bin/true", app: "x" }, "program"],
    [{ app: "" }, "app"],
    [{ app: "x y" }, "app"],
    [{ app: "known" }, "app"],
    [{ program: "/bin/true", argv: ["a", 1] }, "argv"],
    [{ program: "/bin/true", argv: ["a", null] }, "argv"],
    [{ program: "/bin/true", argv: "canary" }, "argv"],
    [{ program: "/bin/true", argv: ["a\0b"] }, "argv"],
    [{ program: "/bin/true", operands: ["a\0b"] }, "operands"],
    [{ program: "/bin/true", operands: [{}] }, "operands"],
    [{ program: "/bin/true", operands: Array.from({ length: 1001 }, () => "") }, "operands"],
    [{ program: "/bin/true", env: { LD_PRELOAD: "canary" } }, "env"],
    [{ program: "/bin/true", env: { OK: 1 } }, "env"],
    [{ program: "/bin/true", env: { OK: "a\0" } }, "env"],
    [{ program: "/bin/true", env: [] }, "env"],
    [{ program: "/bin/true", timeoutMs: 0 }, "timeoutMs"],
    [{ program: "/bin/true", timeoutMs: 300_001 }, "timeoutMs"],
    [{ program: "/bin/true", canary: 1 }, "request"],
    ["canary", "request"],
    [null, "request"],
  ] as const)(
    "the request %j is refused at %s before anything is started (D-086, reliability row 82)",
    async (request, field) => {
      const error = await refusal(run(request, { allowEnv: ["OK"] }));
      expect(error).toMatchObject({ code: "exec.request_invalid", details: { field } });
      expect(error.message).not.toContain("canary");
    },
  );

  test("only programs under an allowed place run: boundary, links, what is missing, what is no program (D-086, D-088)", async () => {
    const tools = join(place, "tools");
    mkdirSync(tools);
    mkdirSync(`${tools}-of-others`);
    const program = (path: string, mode: number): string => {
      writeFileSync(path, `#!${node}\nconsole.log(1)\n`);
      chmodSync(path, mode);
      return path;
    };
    const good = program(join(tools, "good"), 0o755);
    const other = program(`${tools}-of-others/other`, 0o755);
    const flat = program(join(tools, "flat"), 0o644);
    symlinkSync(other, join(tools, "way-out"));
    symlinkSync(good, join(tools, "way-in"));
    symlinkSync(join(tools, "nowhere"), join(tools, "dangling"));
    symlinkSync(tools, join(place, "tools-link"));
    const codeOf = async (path: string, allow = [tools]): Promise<string> => {
      const end = await refusal(run({ program: path }, { allow }));
      return "stdout" in end ? "ran" : end.code;
    };
    expect(await codeOf(good)).toBe("ran");
    expect(await codeOf(join(tools, "way-in"))).toBe("ran");
    expect(await codeOf(good, [good])).toBe("ran");
    expect(await codeOf(join(place, "tools-link", "good"), [join(place, "tools-link")])).toBe("ran");
    expect(await codeOf(other)).toBe("exec.program_not_allowed");
    expect(await codeOf(join(tools, "way-out"))).toBe("exec.program_not_allowed");
    expect(await codeOf(`${tools}/../tools-of-others/other`)).toBe("exec.program_not_allowed");
    expect(await codeOf("/nowhere/at/all")).toBe("exec.program_not_allowed");
    expect(await codeOf(join(tools, "nowhere"))).toBe("exec.program_missing");
    expect(await codeOf(join(tools, "dangling"))).toBe("exec.program_missing");
    expect(await codeOf(flat)).toBe("exec.program_not_executable");
    expect(await codeOf(tools)).toBe("exec.program_not_executable");
    const bare = join(tools, "bare");
    writeFileSync(bare, "echo 1\n", { mode: 0o755 });
    expect(await codeOf(bare)).toBe("exec.program_not_executable");
    const error = await refusal(run({ program: other }, { allow: [tools] }));
    expect(error.message + JSON.stringify(error.details)).not.toContain("others");
  });

  test("a program that cannot be started says why (D-086)", async () => {
    const lost = join(place, "script");
    writeFileSync(lost, "#!/no/such/interpreter\n");
    chmodSync(lost, 0o755);
    expect(await refusal(run({ program: lost }))).toMatchObject({ code: "exec.spawn_failed", details: { reason: "ENOENT" } });
    expect(await refusal(run(script("1"), { cwd: join(place, "no-such-folder") }))).toMatchObject({
      code: "exec.spawn_failed",
      details: { reason: "ENOENT" },
    });
    const huge = Array.from({ length: 100 }, () => "x".repeat(100_000));
    expect(await refusal(run(script("1", { operands: huge })))).toMatchObject({
      code: "exec.spawn_failed",
      details: { reason: "E2BIG" },
    });
  });

  test("an exit code and a signal are told, what was written is not (D-086, reliability row 83)", async () => {
    const failed = await refusal(run(script('console.log("canary");console.error("canary");process.exitCode=3')));
    expect(failed).toMatchObject({ code: "exec.failed", details: { program: node, exitCode: 3, signal: null } });
    const killed = await refusal(run(script('process.kill(process.pid,"SIGKILL")')));
    expect(killed).toMatchObject({ code: "exec.failed", details: { program: node, exitCode: null, signal: "SIGKILL" } });
    expect(JSON.stringify([failed, killed, failed.message])).not.toContain("canary");
  });

  test.each(["canary", "", "1 2", "0.5", '{"a":1e400}', "\\ud800"])(
    "output that is %j is no JSON of ours (D-086)",
    async (output) => {
      const error = await refusal(run(script(`process.stdout.write(${JSON.stringify(output)})`)));
      expect(error.code).toBe("exec.stdout_invalid_json");
      expect(error.message).not.toContain("canary");
    },
  );

  test("output of bytes that are no text is no JSON (D-086)", async () => {
    expect(await refusal(run(script("process.stdout.write(Buffer.from([34,0xff,34]))")))).toMatchObject({
      code: "exec.stdout_invalid_json",
    });
  });

  test("a flood is counted and cut, the program runs to its end (D-087, reliability row 83)", async () => {
    const flood = (stream: string): string =>
      `process.${stream}.write("x".repeat(3_000_000),()=>require("fs").writeFileSync(${JSON.stringify(join(place, stream))},"done"))`;
    expect(await refusal(run(script(flood("stdout"))))).toMatchObject({
      code: "exec.stdout_too_large",
      details: { bytes: 3_000_000, bytesMax: 1_048_576 },
    });
    const quiet = await refusal(run(script(`console.log(1);${flood("stderr")}`)));
    expect(quiet).toMatchObject({ code: "exec.stderr_too_large", details: { bytes: 3_000_000, bytesMax: 1_048_576 } });
    expect(existsSync(join(place, "stdout")) && existsSync(join(place, "stderr"))).toBe(true);
    expect(await refusal(run(script("1", { stdin: "x".repeat(10) }), { bytesMax: 11 }))).toMatchObject({
      code: "exec.stdin_too_large",
      details: { bytes: 12 },
    });
  });

  test("captures keep the first bytes, the count and a flag (D-087)", async () => {
    const argv = ["-e", 'process.stdout.write("abcdef");process.stderr.write("xy")'];
    const plan = { program: node, argv, env: {}, cwd: "/", stdin: Buffer.alloc(0), outputBytesMax: 4, killGraceMs: 10 };
    const end = await runProcess(plan, systemClock, new AbortController().signal);
    expect(end).toMatchObject({
      kind: "ended",
      exitCode: 0,
      stdout: { bytes: Buffer.from("abcd"), total: 6, isCut: true },
      stderr: { bytes: Buffer.from("xy"), total: 2, isCut: false },
      stdinFault: null,
    });
    const odd = await runProcess({ ...plan, argv: ["a\0b"] }, systemClock, new AbortController().signal);
    expect(odd).toEqual({ kind: "not_started", reason: "ERR_INVALID_ARG_VALUE" });
  });

  test("a program that closes its input early is judged by its exit (D-087, reliability row 83)", async () => {
    const stdin = "x".repeat(1_000_000);
    expect(await run(script('require("fs").closeSync(0);console.log("[]")', { stdin }))).toEqual({ stdout: [] });
    expect(await refusal(run(script('require("fs").closeSync(0);process.exitCode=2', { stdin })))).toMatchObject({
      code: "exec.failed",
      details: { exitCode: 2 },
    });
  });

  test("a program that ignores SIGTERM is killed after the grace, and reaped (reliability row 83)", async () => {
    const clock = new TurnedClock(0);
    const file = join(place, "stubborn");
    const code = `process.on("SIGTERM",()=>require("fs").writeFileSync(${JSON.stringify(`${file}.term`)},"\\n"));setInterval(()=>{},1e6);require("fs").writeFileSync(${JSON.stringify(file)},process.pid+"\\n")`;
    const asked = refusal(run(script(code, { timeoutMs: 1_000 }), { killGraceMs: 50 }, {}, clock as never));
    const pid = await pidIn(file);
    expect(isAlive(pid)).toBe(true);
    clock.advance(1_000);
    await expect.poll(() => existsSync(`${file}.term`), { timeout: 10_000 }).toBe(true);
    expect(isAlive(pid)).toBe(true);
    clock.advance(50);
    expect(await asked).toMatchObject({ code: "exec.timeout", details: { timeoutMs: 1_000 } });
    expect(isAlive(pid)).toBe(false);
    expect(clock.alarms).toBe(0);
  });

  test("an endless flood is stopped by the deadline, without keeping what it wrote (reliability row 83)", async () => {
    const clock = new TurnedClock(0);
    const file = join(place, "flood");
    const code = `require("fs").writeFileSync(${JSON.stringify(file)},process.pid+"\\n");const go=()=>{while(process.stdout.write("x".repeat(65536)));process.stdout.once("drain",go)};go()`;
    const asked = refusal(run(script(code), {}, {}, clock as never));
    const pid = await pidIn(file);
    clock.advance(300_000);
    expect(await asked).toMatchObject({ code: "exec.timeout" });
    expect(isAlive(pid)).toBe(false);
  });

  test("what a program forked is gone with it, whether it ended by itself or was stopped (reliability row 83)", async () => {
    const fork = (file: string, after: string): string =>
      `const c=require("child_process").spawn(process.execPath,["-e","setInterval(()=>{},1e6)"],{stdio:"inherit"});require("fs").writeFileSync(${JSON.stringify(file)},c.pid+"\\n");${after}`;
    const ended = join(place, "fork-ended");
    expect(await run(script(fork(ended, 'console.log("{}");process.exit(0)')))).toEqual({ stdout: {} });
    const orphan = await pidIn(ended);
    await expect.poll(() => isAlive(orphan), { timeout: 10_000 }).toBe(false);

    const stop = new AbortController();
    const stopped = join(place, "fork-stopped");
    const asked = refusal(run(script(fork(stopped, "")), {}, { signal: stop.signal }));
    const child = await pidIn(stopped);
    expect(isAlive(child)).toBe(true);
    stop.abort();
    expect(await asked).toMatchObject({ code: "io.canceled" });
    await expect.poll(() => isAlive(child), { timeout: 10_000 }).toBe(false);
  });

  test("a daemon that left the group and holds the pipes cannot hold the call beyond its deadline (reliability row 83)", async () => {
    const clock = new TurnedClock(0);
    const file = join(place, "daemon");
    const code = `const c=require("child_process").spawn(process.execPath,["-e","setInterval(()=>{},1e6)"],{stdio:"inherit",detached:true});require("fs").writeFileSync(${JSON.stringify(file)},c.pid+"\\n");process.exit(0)`;
    const asked = refusal(run(script(code), {}, {}, clock as never));
    const daemon = await pidIn(file);
    clock.advance(300_000);
    expect(await asked).toMatchObject({ code: "exec.timeout" });
    process.kill(daemon, "SIGKILL");
  });

  test("an attempt that has ended starts nothing (reliability row 94)", async () => {
    const file = join(place, "never");
    const error = await refusal(
      run(script(`require("fs").writeFileSync(${JSON.stringify(file)},"")`), {}, { signal: AbortSignal.abort() }),
    );
    expect(error.code).toBe("io.canceled");
    expect(existsSync(file)).toBe(false);
  });

  test("a resolver turns an app into a program, which must be allowed too (D-088)", async () => {
    const asked: string[] = [];
    const resolver = async (app: string, at: { readonly runId: string; readonly stepId: string }): Promise<string> => {
      asked.push(`${app} for ${at.runId}/${at.stepId}`);
      return { known: node, outside: "/bin/sh", odd: 7 as never, relative: "node" }[app] ?? "";
    };
    expect(await run({ app: "known", argv: ["-e", "console.log(2)"] }, { resolver })).toEqual({ stdout: 2 });
    expect(asked).toEqual(["known for run-1/main"]);
    expect(await refusal(run({ app: "outside" }, { resolver, allow: [node] }))).toMatchObject({
      code: "exec.program_not_allowed",
    });
    for (const app of ["odd", "relative", "unknown"])
      expect(await refusal(run({ app }, { resolver }))).toMatchObject({ code: "exec.program_missing" });
  });

  test.each([
    { allow: [] },
    { allow: undefined as never },
    { allow: ["relative"] },
    { allow: ["/"] },
    { allow: ["/usr/.."] },
    { allow: ["/a\0b"] },
    { allow: [7 as never] },
    { cwd: "relative" },
    { timeoutMs: 0 },
    { killGraceMs: -1 },
    { bytesMax: 0.5 },
    { allowEnv: ["A=B"] },
    { fixedEnv: { "": "x" } },
  ])("the setting %j is refused when the transport is made", (options) => {
    expect(() => execTransport({ allow: [node], ...options })).toThrow(
      expect.objectContaining({ code: "instance.misconfigured" }),
    );
  });
});
