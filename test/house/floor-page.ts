import type { HousePlan } from "./floor-plan.js";

const GROUND = ["errors", "json", "time"];

/** Reads the floor table of a page: `| floor | room | may know | packages |`, its rows from the ground up. */
export function readFloorPage(page: string): HousePlan["rooms"] {
  const rows = [...page.matchAll(/^\|[^|\n]*\| *`([\w-]+)` *\|([^|\n]*)\|([^|\n]*)\|$/gm)];
  const names = rows.map(([, room = ""]) => room);
  return Object.fromEntries(
    rows.map(([, room = "", knows = "", packages = ""], index) => [
      room,
      {
        rooms: roomsOf(knows.trim(), names.slice(0, index)),
        packages: [...packages.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name).sort(),
      },
    ]),
  );
}

/** `everything above`, `all but a and b`, or a list in which `ground` stands for its three rooms. */
function roomsOf(knows: string, above: readonly string[]): readonly string[] {
  const excepted = /^all but (.+)$/.exec(knows)?.[1]?.split(/, | and /);
  if (knows === "everything above" || excepted !== undefined)
    return above.filter((room) => !(excepted ?? []).includes(room)).sort();
  const listed = knows.split(", ").filter((room) => room !== "");
  return listed.flatMap((room) => (room === "ground" ? GROUND : [room])).sort();
}

/** The same, in the order that {@link readFloorPage} gives. */
export function sortedPlan(rooms: HousePlan["rooms"]): HousePlan["rooms"] {
  return Object.fromEntries(
    Object.entries(rooms).map(([name, plan]) => [
      name,
      { rooms: [...plan.rooms].sort(), packages: [...(plan.packages ?? [])].sort() },
    ]),
  );
}
