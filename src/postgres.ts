export { SCHEMA_VERSION } from "./postgres/migrate.js";
