import { RunsealError } from "../errors/error.js";
import { jsonPointer } from "../json/walk.js";

/** The error for something that the closed description of schemas can't say, with what would be right. */
export function notDescribable(
  path: readonly string[],
  found: string,
  instead: string,
  options?: ErrorOptions,
): RunsealError<"schema.not_describable"> {
  const pointer = jsonPointer(path);
  const place = pointer === "" ? "" : ` at "${pointer}"`;
  return new RunsealError(
    "schema.not_describable",
    `a contract can't say ${found}${place}; ${instead}`,
    { pointer, found },
    options,
  );
}
