import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EVENTS } from "../../src/model/event.js";

const page = readFileSync(new URL("../../docs/events.md", import.meta.url), "utf8");

/** The rows of the table between its two marks, cells trimmed. */
function rows(): readonly (readonly string[])[] {
  const table = page.slice(page.indexOf("<!-- events: begin -->"), page.indexOf("<!-- events: end -->"));
  return table
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .replaceAll("\\|", "¦")
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("¦", "|")),
    );
}

describe("the table of docs/events.md", () => {
  test("is the table of the code: kinds, versions, streams and payloads, in the same order (decision 4.1)", () => {
    const expected = Object.entries(EVENTS).map(([kind, spec]) => [
      `\`${kind}\``,
      String(spec.v),
      spec.streams.join(", "),
      Object.entries(spec.payload)
        .map(([member, type]) => `\`${member}\` ${type}`)
        .join(", "),
    ]);
    expect(rows().map((cells) => cells.slice(0, 4))).toEqual(expected);
  });

  test("says of every kind who writes it and what the fold does", () => {
    for (const cells of rows()) {
      expect(cells[4]).toMatch(/^(submit|claim|driver|approvals|later)(, (claim|driver))?$/);
      expect(cells[5]).not.toBe("");
    }
  });
});
