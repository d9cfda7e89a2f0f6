import { RunsealError } from "../errors/error.js";
import { ANYTHING, checkOptions } from "./checked-options.js";
import { DEFAULT_SCHEMA, schemaName } from "./schema-name.js";
import { OWNER_FUNCTIONS, PROJECTION_TABLES, TRUTH_TABLES, VIEW_FUNCTIONS, VIEWS } from "./tables.js";

/** Whom {@link roleSql} gives what. */
export interface RoleSqlOptions {
  /** Default "runseal". */
  readonly schema?: string;
  /** The role that processes work as: it appends, and changes nothing but projections. */
  readonly app: string;
  /** Owns schema, tables and functions: for migrations and retention. Absent: whoever owns them goes on owning them. */
  readonly owner?: string;
  /** Reads the views and nothing else. Absent: nobody does. */
  readonly reader?: string;
}

/**
 * The SQL text that gives each role of a schema what it needs and takes everything else away, for a person who applies it.
 *
 * Roles that are missing are made without LOGIN: grant them to those that log in. May be applied again, and should be after each
 * migration. Needs whoever may make roles and owns the schema, or a superuser.
 *
 * @throws {@link RunsealError} `instance.misconfigured` when a name is no good, or two roles are one
 */
export function roleSql(options: RoleSqlOptions): string {
  checkOptions("roleSql", options, { schema: ANYTHING, app: ANYTHING, owner: ANYTHING, reader: ANYTHING });
  if ((options.app as unknown) === undefined)
    throw misnamed("app", "", "names no role: the one that processes work as is wanted");
  const schema = schemaName(options.schema ?? DEFAULT_SCHEMA).quoted;
  const roles = rolesOf(options);
  const everybody = ["PUBLIC", ...roles.filter(({ part }) => part !== "owner").map(({ quoted }) => quoted)].join(", ");
  const qualified = (names: readonly string[]): string => names.map((name) => `${schema}.${name}`).join(", ");
  const of = (wanted: string): string | undefined => roles.find(({ part }) => part === wanted)?.quoted;
  const app = of("app") ?? "";
  const lines = [
    ...roles.map(makeRole),
    ...(of("owner") === undefined ? [] : [ownerText(schema, of("owner") ?? "")]),
    `REVOKE ALL ON SCHEMA ${schema} FROM ${everybody};`,
    `REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM ${everybody};`,
    `REVOKE ALL ON ALL SEQUENCES IN SCHEMA ${schema} FROM ${everybody};`,
    `REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${schema} FROM ${everybody};`,
    `GRANT USAGE ON SCHEMA ${schema} TO ${app};`,
    `GRANT SELECT ON ${qualified(["migrations", ...VIEWS])} TO ${app};`,
    `GRANT SELECT, INSERT ON ${qualified(TRUTH_TABLES)} TO ${app};`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${qualified(PROJECTION_TABLES)} TO ${app};`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${app};`,
    `REVOKE EXECUTE ON FUNCTION ${qualified(OWNER_FUNCTIONS)} FROM ${app};`,
  ];
  const reader = of("reader");
  if (reader !== undefined) {
    lines.push(
      `GRANT USAGE ON SCHEMA ${schema} TO ${reader};`,
      `GRANT SELECT ON ${qualified(VIEWS)} TO ${reader};`,
      `GRANT EXECUTE ON FUNCTION ${qualified(VIEW_FUNCTIONS)} TO ${reader};`,
    );
  }
  return `BEGIN;\n${lines.join("\n")}\nCOMMIT;\n`;
}

interface Role {
  readonly part: "owner" | "app" | "reader";
  readonly quoted: string;
  readonly literal: string;
}

function rolesOf(options: RoleSqlOptions): readonly Role[] {
  const roles: Role[] = [];
  for (const part of ["owner", "app", "reader"] as const) {
    const name = options[part];
    if (name === undefined) continue;
    const { quoted, literal } = roleName(part, name);
    if (roles.some((role) => role.quoted === quoted)) throw misnamed(part, name, "is another part's role already");
    roles.push({ part, quoted, literal });
  }
  return roles;
}

function roleName(part: string, name: string): { readonly quoted: string; readonly literal: string } {
  try {
    return schemaName(name);
  } catch {
    throw misnamed(part, name, "can't name a role: 1 to 63 bytes of UTF-8 without NUL can");
  }
}

function misnamed(option: string, name: string, why: string): RunsealError<"instance.misconfigured"> {
  return new RunsealError("instance.misconfigured", `"${name}" ${why}`, { option });
}

function makeRole({ quoted, literal }: Role): string {
  const found = `SELECT 1 FROM pg_roles WHERE rolname = '${literal}'`;
  const tag = quoted.includes("$do$") ? "$role$" : "$do$";
  return `DO ${tag} BEGIN IF NOT EXISTS (${found}) THEN CREATE ROLE ${quoted} NOLOGIN; END IF; END ${tag};`;
}

/** Tables take their indexes and sequences along. */
function ownerText(schema: string, owner: string): string {
  const tables = ["migrations", ...TRUTH_TABLES, ...PROJECTION_TABLES].map(
    (name) => `ALTER TABLE ${schema}.${name} OWNER TO ${owner};`,
  );
  const views = VIEWS.map((name) => `ALTER VIEW ${schema}.${name} OWNER TO ${owner};`);
  const tag = schema.includes("$do$") || owner.includes("$do$") ? "$own$" : "$do$";
  const space = `(SELECT c.relnamespace FROM pg_class c WHERE c.oid = '${schema.replaceAll("'", "''")}.migrations'::regclass)`;
  const inFormat = owner.replaceAll("%", "%%").replaceAll("'", "''");
  const others = `DO ${tag} DECLARE one text; BEGIN
  FOR one IN SELECT format('FUNCTION %s', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace = ${space}
    UNION ALL SELECT format('DOMAIN %s', t.oid::regtype) FROM pg_type t WHERE t.typtype = 'd' AND t.typnamespace = ${space} LOOP
    EXECUTE format('ALTER %s OWNER TO ${inFormat}', one);
  END LOOP;
END ${tag};`;
  return [`ALTER SCHEMA ${schema} OWNER TO ${owner};`, ...tables, ...views, others].join("\n");
}
