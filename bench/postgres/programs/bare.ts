import { Client } from "pg";
import { inLanes, program } from "./program.mjs";

// The yardstick: one prepared insert of one row, one commit, nothing else; as many connections as there is work at once.
const INSERT = { name: "append", text: "INSERT INTO event (stream, seq, payload) VALUES ($1, $2, $3)" };

await program(async ({ databaseUrl, pad, work }) => {
  const connections = await Promise.all(
    Array.from({ length: work.concurrency }, async () => {
      const client = new Client({ connectionString: databaseUrl });
      await client.connect();
      return client;
    }),
  );
  await connections[0]?.query(
    "CREATE TABLE event (stream text NOT NULL, seq bigint NOT NULL, payload text NOT NULL, PRIMARY KEY (stream, seq))",
  );
  let streams = 0;
  return {
    prepare: async ({ runs, steps, concurrency }) => {
      const first = streams;
      streams += runs;
      return async () => {
        const free = connections.slice(0, concurrency);
        const started = performance.now();
        await inLanes(runs, concurrency, async (run) => {
          const client = free.pop();
          if (client === undefined) throw new TypeError("there is a connection for every lane");
          for (let n = 0; n < steps; n += 1) {
            await client.query({ ...INSERT, values: [`run/${first + run}`, n, JSON.stringify({ n, pad })] });
          }
          free.push(client);
        });
        return { ms: performance.now() - started, steps: runs * steps };
      };
    },
    close: async () => {
      await Promise.all(connections.map((client) => client.end()));
    },
  };
});
