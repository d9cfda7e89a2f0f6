import type { Pool } from "pg";

/** Everything of a schema that a migration makes, as text that is the same on every version of the server. */
export async function schemaDump(pool: Pool, schema: string): Promise<string> {
  const texts = async (sql: string): Promise<string> => {
    const { rows } = await pool.query<{ line: string }>(sql, [schema]);
    return rows.map(({ line }) => `${line}\n`).join("");
  };
  const parts = [
    await texts(TABLES),
    await texts(CONSTRAINTS),
    await texts(INDEXES),
    await texts(TRIGGERS),
    await texts(FUNCTIONS),
    await texts(VIEWS),
  ];
  // whatever the schema is called
  return parts.join("\n").replaceAll(`"${schema}"`, "runseal");
}

const OF_SCHEMA = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";

const TABLES = `
  SELECT format('table %s: %s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    CASE WHEN l.collname <> 'default' THEN format(' COLLATE %I', l.collname) END,
    CASE WHEN a.attnotnull THEN ' NOT NULL' END,
    coalesce(CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' END,
      CASE a.attgenerated WHEN 's' THEN ' GENERATED ALWAYS AS ' ELSE ' DEFAULT ' END || pg_get_expr(d.adbin, d.adrelid))) AS line
  ${OF_SCHEMA} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attnum`;

/** NOT NULL is a constraint with a name from version 18 on, and is shown with the column. */
const CONSTRAINTS = `
  SELECT format('constraint %s.%s: %s', c.relname, k.conname, pg_get_constraintdef(k.oid)) AS line
  ${OF_SCHEMA} JOIN pg_constraint k ON k.conrelid = c.oid
  WHERE n.nspname = $1 AND k.contype <> 'n' ORDER BY c.relname, k.conname`;

const INDEXES = `
  SELECT format('index %s', pg_get_indexdef(c.oid)) AS line ${OF_SCHEMA}
  WHERE n.nspname = $1 AND c.relkind = 'i' ORDER BY c.relname`;

const TRIGGERS = `
  SELECT format('trigger %s (%s)', pg_get_triggerdef(t.oid), t.tgenabled) AS line
  ${OF_SCHEMA} JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
  WHERE n.nspname = $1 ORDER BY c.relname, t.tgname`;

const FUNCTIONS = `
  SELECT format('function %s(%s) RETURNS %s %s%s%s AS $$%s$$', p.proname, pg_get_function_arguments(p.oid),
    pg_get_function_result(p.oid), l.lanname, CASE WHEN p.prosecdef THEN ' SECURITY DEFINER' END,
    ' SET ' || array_to_string(p.proconfig, ' SET '), p.prosrc) AS line
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE n.nspname = $1 ORDER BY p.proname`;

/** The text of a view is printed differently by different versions: its columns stand for it. */
const VIEWS = `
  SELECT format('view %s: %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) AS line
  ${OF_SCHEMA} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
  WHERE n.nspname = $1 AND c.relkind = 'v' ORDER BY c.relname, a.attnum`;
