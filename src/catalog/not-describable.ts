import { RunsealError } from "../errors/error.js";

/** A JSON Pointer from names. */
export function pointerOf(path: readonly (string | number)[]): string {
  return path.map((name) => `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The error for something that the closed description of schemas can't say, with what would be right. */
export function notDescribable(
  path: readonly string[],
  found: string,
  instead: string,
  options?: ErrorOptions,
): RunsealError<"schema.not_describable"> {
  const pointer = pointerOf(path);
  const place = pointer === "" ? "" : ` at "${pointer}"`;
  return new RunsealError(
    "schema.not_describable",
    `a contract can't say ${found}${place}; ${instead}`,
    { pointer, found },
    options,
  );
}
