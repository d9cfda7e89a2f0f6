import type { PgClient } from "./pg-types.js";

/** What {@link schemaLines} tells. */
export interface SchemaLinesOptions {
  /**
   * `true`: to be compared with what the same server says of temporary objects, with the text of views. Default `false`: to be compared
   * with what another version of the server says, which prints views in its own way; tells which tables are not logged.
   */
  readonly viewText?: boolean;
  /** Another schema whose name is left out too, so that a text that only looks like it, `runseal.retention`, is the same in both. */
  readonly besides?: string;
}

/**
 * Everything that migrations make in a schema, one thing a line, the name of the schema left out: two schemas that are the same give
 * the same lines.
 *
 * @param name - of the schema, not quoted; `pg_temp` for what this session made there
 */
export async function schemaLines(client: PgClient, name: string, options: SchemaLinesOptions = {}): Promise<readonly string[]> {
  const besides = options.besides ?? name;
  const { rows } = await client.query({
    text: "SELECT n.oid::text AS oid, quote_ident(n.nspname) AS quoted, quote_ident($2) AS besides FROM pg_namespace n WHERE n.oid = CASE WHEN $1 = 'pg_temp' THEN pg_my_temp_schema() ELSE (SELECT oid FROM pg_namespace WHERE nspname = $1) END",
    values: [name, besides],
  });
  const [space] = rows;
  if (space === undefined) return [];
  const named = [...spellings(name, space["quoted"]), ...spellings(besides, space["besides"])];
  const queries = options.viewText === true ? [...QUERIES, VIEW_TEXTS] : [UNLOGGED, ...QUERIES];
  const lines: string[] = [];
  for (const text of queries) {
    const found = await client.query({ text, values: [space["oid"]] });
    for (const row of found.rows) lines.push(withoutSchema(String(row["line"]), named));
  }
  return lines;
}

/** How a schema may stand in a text: in quotes, as the server quotes it, and what is ours alone without a number. */
function spellings(name: string, quoted: unknown): readonly string[] {
  return [`"${name.replaceAll('"', '""')}"`, String(quoted), ...(name === "pg_temp" ? ["pg_temp"] : [])];
}

function withoutSchema(line: string, named: readonly string[]): string {
  return named.reduce((text, each) => text.replaceAll(`${each}.`, ""), line);
}

const OF_SCHEMA = "FROM pg_class c";

const TABLES = `
  SELECT format('table %s: %s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    CASE WHEN l.collname <> 'default' THEN format(' COLLATE %I', l.collname) END,
    CASE WHEN a.attnotnull THEN ' NOT NULL' END,
    coalesce(CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' END,
      CASE a.attgenerated WHEN 's' THEN ' GENERATED ALWAYS AS ' ELSE ' DEFAULT ' END || pg_get_expr(d.adbin, d.adrelid))) AS line
  ${OF_SCHEMA} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = $1::oid AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attnum`;

/** NOT NULL is a constraint with a name from version 18 on, and is shown with the column. */
const CONSTRAINTS = `
  SELECT format('constraint %s.%s: %s', c.relname, k.conname, pg_get_constraintdef(k.oid)) AS line
  ${OF_SCHEMA} JOIN pg_constraint k ON k.conrelid = c.oid
  WHERE c.relnamespace = $1::oid AND k.contype <> 'n' ORDER BY c.relname, k.conname`;

const DOMAINS = `
  SELECT format('domain %s: %s %s %s', t.typname, format_type(t.typbasetype, t.typtypmod), k.conname, pg_get_constraintdef(k.oid)) AS line
  FROM pg_type t LEFT JOIN pg_constraint k ON k.contypid = t.oid AND k.contype = 'c'
  WHERE t.typnamespace = $1::oid AND t.typtype = 'd' ORDER BY t.typname, k.conname`;

const INDEXES = `
  SELECT format('index %s', pg_get_indexdef(c.oid)) AS line ${OF_SCHEMA}
  WHERE c.relnamespace = $1::oid AND c.relkind = 'i' ORDER BY c.relname`;

const TRIGGERS = `
  SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled) AS line
  ${OF_SCHEMA} JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
  WHERE c.relnamespace = $1::oid ORDER BY c.relname, t.tgname`;

const FUNCTIONS = `
  SELECT format('function %s(%s) RETURNS %s %s %s%s%s AS $$%s$$', p.proname, pg_get_function_arguments(p.oid),
    pg_get_function_result(p.oid), l.lanname, p.provolatile, CASE WHEN p.prosecdef THEN ' SECURITY DEFINER' END,
    ' SET ' || array_to_string(p.proconfig, ' SET '), p.prosrc) AS line
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = $1::oid ORDER BY p.proname`;

const VIEWS = `
  SELECT format('view %s: %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) AS line
  ${OF_SCHEMA} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
  WHERE c.relnamespace = $1::oid AND c.relkind = 'v' ORDER BY c.relname, a.attnum`;

const UNLOGGED = `
  SELECT format('unlogged %s', c.relname) AS line ${OF_SCHEMA}
  WHERE c.relnamespace = $1::oid AND c.relkind = 'r' AND c.relpersistence = 'u' ORDER BY c.relname`;

const QUERIES = [DOMAINS, TABLES, CONSTRAINTS, INDEXES, TRIGGERS, FUNCTIONS, VIEWS];

const VIEW_TEXTS = `
  SELECT format('view %s AS %s', c.relname, pg_get_viewdef(c.oid)) AS line ${OF_SCHEMA}
  WHERE c.relnamespace = $1::oid AND c.relkind = 'v' ORDER BY c.relname`;
