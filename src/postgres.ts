export { SCHEMA_VERSION, migrate } from "./postgres/migrate.js";
export type { MigrateMode, MigrateOptions, MigrateReport } from "./postgres/migrate.js";
export { migrationSql } from "./postgres/migration-sql.js";
export type { MigrationSqlOptions } from "./postgres/migration-sql.js";
export type { PgClient, PgPool, PgQuery, PgResult } from "./postgres/pg-types.js";
export { inspectSchema } from "./postgres/inspect-schema.js";
export type { InspectSchemaOptions, SchemaDifference, SchemaInspection } from "./postgres/inspect-schema.js";
export { roleSql } from "./postgres/role-sql.js";
export type { RoleSqlOptions } from "./postgres/role-sql.js";
