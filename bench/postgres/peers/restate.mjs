import * as restate from "@restatedev/restate-sdk";
import * as clients from "@restatedev/restate-sdk-clients";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { inLanes, program } from "../programs/program.mjs";

const service = restate.service({
  name: "bench",
  handlers: {
    run: async (ctx, { steps }) => {
      let last;
      for (let n = 0; n < steps; n += 1) last = await ctx.run("work", async () => ({ n }));
      return last;
    },
  },
});

// The server's own binary, not its wrapper, so that the process that is ended is the server.
await program(async ({ folder, pad }) => {
  const [ingress, admin, node, endpoint] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const server = spawn(binary(), ["--base-dir", join(folder, "restate")], {
    cwd: folder,
    stdio: "ignore",
    env: {
      ...process.env,
      DO_NOT_TRACK: "1",
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_BIND_PORT: String(node),
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}/`,
    },
  });
  process.once("exit", () => server.kill("SIGKILL"));
  await restate.endpoint().bind(service).listen(endpoint);
  await registered(`http://127.0.0.1:${admin}/deployments`, `http://127.0.0.1:${endpoint}`);
  const client = clients.connect({ url: `http://127.0.0.1:${ingress}` }).serviceClient(service);
  return {
    prepare:
      async ({ runs, steps, concurrency }) =>
      async () => {
        const started = performance.now();
        await inLanes(runs, concurrency, async () => {
          const result = await client.run({ steps, pad });
          if (result.n !== steps - 1) throw new TypeError(`the last step gave ${JSON.stringify(result)}`);
        });
        return { ms: performance.now() - started, steps: runs * steps, notes: { serverMB: residentOf(server.pid) / 1e6 } };
      },
    close: async () => {
      server.kill("SIGKILL");
    },
  };
});

function binary() {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "bin", "restate-server");
}

async function registered(url, uri) {
  const until = Date.now() + 20_000;
  for (;;) {
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ uri }),
        signal: AbortSignal.timeout(5_000),
      });
      if (answer.ok) return;
      throw new TypeError(`registering was answered ${answer.status}: ${await answer.text()}`);
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function residentOf(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
