import { RunsealError } from "../errors/error.js";
import { access, constants, open, realpath, stat } from "node:fs/promises";
import { isAbsolute, resolve, sep } from "node:path";

/**
 * The real path of a program that lies under one of the allowed places.
 *
 * A place is a folder (everything below it) or one file. Links are followed first, on both sides, so that a link out of a folder is
 * out; a prefix ends at a path boundary, so that `/opt/tools` does not allow `/opt/tools-of-others`. What lies outside is not even
 * looked for.
 *
 * @throws {@link RunsealError} `exec.program_not_allowed`, `exec.program_missing`, `exec.program_not_executable`; the path is not repeated
 */
export async function allowedProgram(program: string, places: readonly string[]): Promise<string> {
  const real = await realPathOf(program);
  const realPlaces = await Promise.all(places.map(async (place) => (await realPathOf(place)) ?? resolve(place)));
  const asked = real ?? resolve(program);
  const isAllowed = (path: string, within: readonly string[]): boolean => within.some((place) => isWithin(path, place));
  if (real === undefined) {
    if (!isAllowed(asked, [...realPlaces, ...places])) throw notAllowed();
    throw new RunsealError("exec.program_missing", "there is no such program under the allowed places", {});
  }
  if (!isAllowed(real, realPlaces)) throw notAllowed();
  const isExecutable = (await stat(real)).isFile() && (await mayExecute(real)) && (await isProgram(real));
  if (!isExecutable) throw new RunsealError("exec.program_not_executable", "what is there can't be executed", {});
  return real;
}

/**
 * A place as {@link allowedProgram} takes it.
 *
 * @throws {@link RunsealError} `instance.misconfigured` for a relative path and for the root, which would allow everything
 */
export function allowedPlace(place: string): string {
  if (typeof place === "string" && isAbsolute(place) && !place.includes("\0") && resolve(place) !== resolve("/"))
    return resolve(place);
  const message = "an allowed place of the exec transport is an absolute path of a folder or a program, and not the root";
  throw new RunsealError("instance.misconfigured", message, { option: "io" });
}

/** The path with every link followed; `undefined` where it leads nowhere. */
function realPathOf(path: string): Promise<string | undefined> {
  return realpath(path).then(
    (real) => real,
    () => undefined,
  );
}

function mayExecute(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Text without a `#!` line is no program: the C library would hand it to a shell. */
async function isProgram(path: string): Promise<boolean> {
  const file = await open(path, "r").then(
    (opened) => opened,
    () => undefined,
  );
  if (file === undefined) return true; // may be executed and not read
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    return buffer.toString("latin1", 0, 2) === "#!" || buffer.subarray(0, bytesRead).includes(0);
  } finally {
    await file.close();
  }
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(place + sep);
}

function notAllowed(): RunsealError<"exec.program_not_allowed"> {
  return new RunsealError("exec.program_not_allowed", "the program does not lie under an allowed place", {});
}
