/** The source text of `src/<store>/migrations-generated.ts`. */
export function migrationsSource(
  migrations: readonly { readonly name: string; readonly sql: string }[],
  store: "sqlite" | "postgres" = "sqlite",
): string {
  const entries = migrations.map(
    ({ name, sql }) => `  {\n    name: ${JSON.stringify(name)},\n    sql: ${templateOf(sql)},\n  },\n`,
  );
  return `// made from migrations/${store} by test/${store}/migrations.test.ts; change those files, not this one

/** The schema of the ${store === "sqlite" ? "embedded store" : "store on PostgreSQL"}, step by step; the number of a step is its position, from 1. */
export const MIGRATIONS: readonly { readonly name: string; readonly sql: string }[] = [
${entries.join("")}];
`;
}

function templateOf(sql: string): string {
  return `\`${sql.replaceAll(/[\\`$]/g, "\\$&")}\``;
}
