/** A value that came where a string was wanted, as a message may show it: short, and never by calling anything of it. */
export function shown(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 80) : typeof value;
}
