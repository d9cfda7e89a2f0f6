/** Appends a member name or an index to a JSON Pointer. */
export function below(pointer: string, member: string | number): string {
  return `${pointer}/${String(member).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
