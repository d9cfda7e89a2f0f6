import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findCycles } from "./house/cycles.js";
import { checkDoor } from "./house/door.js";
import { readFloorPage, sortedPlan } from "./house/floor-page.js";
import { checkFloors, emptyPlaces, type HousePlan } from "./house/floor-plan.js";
import { importsOf } from "./house/imports.js";
import { parseSource, printed, readSourceTree } from "./house/source-tree.js";

const GROUND = ["json", "errors", "time"] as const;
const BELOW_ENGINE = ["history", "expression", "catalog", "secrets", "model", ...GROUND] as const;
const BELOW_INSTANCE = ["engine", "io", "stores", "review", "compile", ...BELOW_ENGINE] as const;

/**
 * The plan of the house, lowest floor first: which rooms a room may know, and which packages it may import.
 *
 * A new edge is a change of policy: it changes this table, docs/architecture.md, and is reviewed.
 */
const HOUSE: HousePlan = {
  rooms: {
    // floor 0, ground
    errors: { rooms: [] },
    json: { rooms: ["errors"], packages: ["node:crypto", "@noble/hashes"] },
    time: { rooms: ["errors"] },

    // floor 1, nouns
    model: { rooms: [...GROUND] },

    // floor 2, mind: no clock, no chance, no I/O
    expression: { rooms: ["model", ...GROUND] },
    secrets: { rooms: [...GROUND] },
    catalog: { rooms: ["expression", "secrets", "model", ...GROUND], packages: ["zod"] },
    compile: { rooms: ["catalog", "expression", "secrets", "model", ...GROUND] },
    history: { rooms: ["expression", "secrets", "model", ...GROUND] },
    review: { rooms: ["history", "catalog", "expression", "model", ...GROUND] },

    // floor 3, ports
    stores: { rooms: ["history", "model", ...GROUND], packages: ["node:async_hooks"] },
    io: {
      rooms: ["history", "secrets", "model", ...GROUND],
      packages: [
        "node:child_process",
        "node:crypto",
        "node:dns/promises",
        "node:fs/promises",
        "node:http",
        "node:https",
        "node:net",
        "node:path",
        "node:process",
        "node:stream",
      ],
    },

    // floor 4, hands: works on an injected environment
    engine: { rooms: ["io", "stores", ...BELOW_ENGINE] },

    // floor 5, households
    instance: { rooms: [...BELOW_INSTANCE], packages: ["node:async_hooks", "node:crypto", "node:os"] },
    worker: { rooms: ["instance", "engine", "stores", "history", "model", ...GROUND] },

    // floor 6, windows
    sql: { rooms: ["stores", "history", "model", ...GROUND], packages: ["node:fs", "node:os"] },
    sqlite: {
      rooms: ["sql", "stores", "history", "model", ...GROUND],
      packages: ["libsql", "node:sqlite", "node:path"],
    },
    postgres: { rooms: ["sql", "stores", "history", "model", ...GROUND], packages: ["pg", "node:async_hooks"] },
    testing: { rooms: ["worker", "instance", ...BELOW_INSTANCE], packages: ["zod", "node:assert"] },
  },
  doors: {
    // never the engine: `execute` is the only way to a handler (decision 3.1)
    "index.ts": ["worker", "instance", "io", "stores", "review", "compile", ...BELOW_ENGINE],
    "sqlite.ts": ["sqlite", "sql"],
    "postgres.ts": ["postgres", "sql"],
    "testing.ts": ["testing"],
  },
};

const ROOT = new URL("../src", import.meta.url).pathname;
const FIXTURES = new URL("./fixtures/house", import.meta.url).pathname;
const house = readSourceTree(ROOT);

describe("the house", () => {
  test("is seen at all: files, imports and every floor that exists today", () => {
    expect(house.length).toBeGreaterThan(3);
    expect(house.flatMap(importsOf).length).toBeGreaterThan(0);
    expect(house.map((file) => file.room)).toEqual(expect.arrayContaining(["errors", "json"]));
  });

  test("imports go down a floor, type imports included, and packages stay in their rooms", () => {
    expect(printed(checkFloors(house, HOUSE))).toEqual([]);
  });

  test("has every room and door that the plan names", () => {
    expect(emptyPlaces(house, HOUSE)).toEqual([]);
    expect(emptyPlaces(house, { rooms: { errors: { rooms: [] }, cellar: { rooms: [] } }, doors: { "back.ts": [] } })).toEqual([
      "cellar",
      "back.ts",
    ]);
  });

  test("no files import each other in a circle", () => {
    expect(findCycles(house).map((cycle) => cycle.join(" -> "))).toEqual([]);
  });

  test("doors re-export by name and do nothing else", () => {
    const doors = house.filter((file) => file.room === "");
    expect(doors.length).toBeGreaterThan(0);
    expect(printed(doors.flatMap(checkDoor))).toEqual([]);
  });

  test("the plan is the one that docs/architecture.md prints", () => {
    const page = readFileSync(new URL("../docs/architecture.md", import.meta.url), "utf8");
    expect(readFloorPage(page)).toEqual(sortedPlan(HOUSE.rooms));
  });

  test("the plan itself has no circle between rooms", () => {
    const rooms = Object.entries(HOUSE.rooms).map(([name, plan]) =>
      parseSource(`${name}/room.ts`, plan.rooms.map((room) => `import "../${room}/room.js";`).join("\n")),
    );
    expect(findCycles(rooms)).toEqual([]);
  });
});

describe("the floor plan refuses", () => {
  const MINI: HousePlan = {
    rooms: { ground: { rooms: [] }, nouns: { rooms: ["ground"] }, mind: { rooms: ["nouns", "ground"], packages: ["zod"] } },
    doors: { "index.ts": ["mind"] },
  };
  const leaky = readSourceTree(`${FIXTURES}/leaky`);

  test("nothing in a mini house that keeps the plan", () => {
    const sound = readSourceTree(`${FIXTURES}/sound`);
    expect(sound.map((file) => file.path)).toEqual(["ground/clay.ts", "index.ts", "mind/thought.ts", "nouns/name.ts"]);
    expect(printed(checkFloors(sound, MINI))).toEqual([]);
    expect(findCycles(sound)).toEqual([]);
    expect(sound.filter((file) => file.room === "").flatMap(checkDoor)).toEqual([]);
  });

  test("every way of looking up: import, type import, re-export, import type, dynamic import, require, a door, the outside", () => {
    expect(printed(checkFloors(leaky, MINI))).toEqual([
      'attic/box.ts:1 room "attic" is not in the plan',
      "back.ts:1 is a door that the plan does not name",
      'ground/door.ts:1 imports the door "index.ts"; doors are for users, import the room',
      'ground/dynamic.ts:2 "ground" may not know "mind" ("mind/thought.ts")',
      'ground/import-type.ts:1 "ground" may not know "nouns" ("nouns/name.ts")',
      'ground/outside.ts:1 imports "../../../floor-plan.ts", which is outside the house',
      'ground/package.ts:1 "ground" may not import "zod/v4"',
      'ground/package.ts:2 "ground" may not import "node:fs"',
      'ground/package.ts:5 "ground" may not import "(computed)"',
      'ground/package.ts:6 "ground" may not import "libsql"',
      'ground/package.ts:7 "ground" may not import "node:sqlite"',
      'ground/re-export.ts:1 "ground" may not know "mind" ("mind/thought.ts")',
      'ground/type-upward.ts:1 "ground" may not know "nouns" ("nouns/name.ts")',
      'ground/upward.ts:1 "ground" may not know "mind" ("mind/thought.ts")',
      'index.ts:1 is a door that may not open "ground" ("ground/upward.ts")',
      'index.ts:2 is a door that imports "zod"; doors only open rooms',
    ]);
  });

  test("a page whose table says something else", () => {
    const page =
      "| floor | room | may know | packages |\n| --- | --- | --- | --- |\n| 0 | `ground` | | |\n| 1 | `nouns` | ground | |\n| 2 | `mind` | everything above | `zod` |\n";
    const words = "| | `a` | | |\n| | `b` | a | |\n| | `c` | all but a | `x`, `y` |\n| | `d` | b, ground | |\n";
    expect(readFloorPage(page)["mind"]).toEqual({ rooms: ["ground", "nouns"], packages: ["zod"] });
    expect(readFloorPage(words)).toEqual({
      a: { rooms: [], packages: [] },
      b: { rooms: ["a"], packages: [] },
      c: { rooms: ["b"], packages: ["x", "y"] },
      d: { rooms: ["b", "errors", "json", "time"], packages: [] },
    });
    expect(readFloorPage(words)).not.toEqual(sortedPlan(MINI.rooms));
  });

  test("circles of files, also through types", () => {
    expect(findCycles(leaky)).toEqual([
      ["nouns/egg.ts", "nouns/hen.ts", "nouns/egg.ts"],
      ["nouns/self.ts", "nouns/self.ts"],
    ]);
  });

  test("a door that does more than open rooms", () => {
    const door = leaky.filter((file) => file.path === "index.ts");
    expect(printed(door.flatMap(checkDoor))).toEqual([
      "index.ts:3 does more than re-export by name",
      "index.ts:4 does more than re-export by name",
    ]);
  });
});
