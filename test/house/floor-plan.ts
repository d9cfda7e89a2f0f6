import { importsOf, type ImportEdge } from "./imports.js";
import type { Finding, SourceText } from "./source-tree.js";

/** What one room may import. */
interface RoomPlan {
  /** Rooms it may know, besides itself. */
  readonly rooms: readonly string[];
  /** Packages and `node:` modules; a package covers its subpaths. */
  readonly packages?: readonly string[];
}

/** The plan of a house: who may know whom, and which rooms each door opens. */
export interface HousePlan {
  readonly rooms: Readonly<Record<string, RoomPlan>>;
  /** Door file -> rooms it may re-export from. */
  readonly doors: Readonly<Record<string, readonly string[]>>;
}

/** Every import that the plan doesn't allow, and every room or door that the plan doesn't name. */
export function checkFloors(files: readonly SourceText[], plan: HousePlan): readonly Finding[] {
  return files.flatMap((file) => [...unplanned(file, plan), ...importsOf(file).flatMap((edge) => refused(file, edge, plan))]);
}

function unplanned(file: SourceText, plan: HousePlan): readonly Finding[] {
  const isPlanned = file.room === "" ? Object.hasOwn(plan.doors, file.path) : Object.hasOwn(plan.rooms, file.room);
  if (isPlanned) return [];
  return [
    {
      path: file.path,
      line: 1,
      message: file.room === "" ? "is a door that the plan does not name" : `room "${file.room}" is not in the plan`,
    },
  ];
}

function refused(file: SourceText, edge: ImportEdge, plan: HousePlan): readonly Finding[] {
  const message = edge.inTree ? refusedInTree(file, edge.to, plan) : refusedOutside(file, edge.to, plan);
  return message === undefined ? [] : [{ path: file.path, line: edge.line, message }];
}

function refusedInTree(file: SourceText, to: string, plan: HousePlan): string | undefined {
  if (to.startsWith("..")) return `imports "${to}", which is outside the house`;
  if (!to.includes("/")) return `imports the door "${to}"; doors are for users, import the room`;
  const room = to.slice(0, to.indexOf("/"));
  if (room === file.room) return undefined;
  if (file.room === "") {
    return (plan.doors[file.path] ?? []).includes(room) ? undefined : `is a door that may not open "${room}" ("${to}")`;
  }
  return (plan.rooms[file.room]?.rooms ?? []).includes(room) ? undefined : `"${file.room}" may not know "${room}" ("${to}")`;
}

function refusedOutside(file: SourceText, to: string, plan: HousePlan): string | undefined {
  const allowed = plan.rooms[file.room]?.packages ?? [];
  if (allowed.some((name) => to === name || to.startsWith(`${name}/`))) return undefined;
  return file.room === "" ? `is a door that imports "${to}"; doors only open rooms` : `"${file.room}" may not import "${to}"`;
}

/** Rooms and doors of the plan that no file belongs to: the table must not promise what isn't there. */
export function emptyPlaces(files: readonly SourceText[], plan: HousePlan): readonly string[] {
  const seen = new Set(files.map((file) => (file.room === "" ? file.path : file.room)));
  return [...Object.keys(plan.rooms), ...Object.keys(plan.doors)].filter((place) => !seen.has(place));
}
