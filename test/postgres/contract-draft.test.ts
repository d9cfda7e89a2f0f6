import type { Stores } from "../../src/stores/stores.js";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { contractSuite, type OpenedEnv } from "../stores/contract-suite.js";
import { OpenSchema } from "./open-schema.js";

async function open(): Promise<OpenedEnv> {
  const schema = new OpenSchema();
  const opened: Stores[] = [postgresStores(schema.pool(), { schema: schema.name, migrate: "auto" })];
  const [stores] = opened as [Stores];
  return {
    stores,
    openAnother: async () => {
      const other = postgresStores(schema.pool(), { schema: schema.name, migrate: "auto" });
      opened.push(other);
      return other;
    },
    dispose: async () => {
      for (const each of opened) await each.close();
      await schema.drop();
    },
  };
}
contractSuite("postgres", open);
