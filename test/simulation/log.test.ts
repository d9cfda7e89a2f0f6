import { test } from "vitest";
import { simulate } from "runseal/testing";
test("log", async () => {
  const lines: string[] = [];
  let n = 0;
  const r = await simulate({
    seed: Number(process.env["SEED"]),
    shrinksMax: 0,
    without: JSON.parse(process.env["WITHOUT"] ?? "[]"),
    stores: (inner) => {
      const me = ++n;
      return {
        ...inner,
        events: {
          ...inner.events,
          commitMany: (c) => inner.events.commitMany(c),
          commit: async (w) => {
            const a = await inner.events.commit(w);
            for (const x of w) {
              lines.push(
                `store${me} ${a.kind} consume=${JSON.stringify(x.consume ?? null)} fence=${x.fence?.epoch} ${JSON.stringify(a).slice(0, 200)}`,
              );
              for (const e of x.events) lines.push(`   ${x.stream.slice(-4)} ${e.seq} ${e.kind} ${e.payloadText.slice(0, 170)}`);
            }
            return a;
          },
        },
        inbox: {
          put: (e) => {
            lines.push(`store${me} put ${e.key} ${JSON.stringify(e.payload)}`);
            return inner.inbox.put(e);
          },
          all: (a, b) => inner.inbox.all(a, b),
          pending: async (a, b) => {
            const p = await inner.inbox.pending(a, b);
            if (p.length > 0) lines.push(`store${me} pending ${p.map((x) => x.key).join()}`);
            return p;
          },
        },
      };
    },
  });
  console.log(lines.slice(-Number(process.env["TAIL"] ?? 80)).join("\n"));
  console.log(r.failure?.message, r.failure?.story.join("\n"));
});
