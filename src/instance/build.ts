import { platform } from "node:os";
import type { JsonObject } from "../json/value.js";
import { PACKAGE_VERSION } from "./package-version.js";
import { RunsealError } from "../errors/error.js";
import { findSecret } from "../secrets/detect.js";
import { jsonPointer } from "../json/walk.js";

/** What a host says of the build that runs (D-022, decision 4.10). Versions and platform are added. */
export interface BuildOptions {
  /** Absent = not known. */
  readonly gitCommit?: string;
  /** Digest of the lock file that the dependencies were installed from. Absent = not known. */
  readonly lockfileHash?: string;
  /** Names of environment variables whose values are recorded: `["NODE_ENV"]`. Default: none. */
  readonly envAllowlist?: readonly string[];
}

const TEXT_LENGTH_MAX = 1_000;
const NAMES_MAX = 64;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const CREDENTIAL_NAME =
  /(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|MNEMONIC|CREDENTIALS?|(?:API|ACCESS|PRIVATE|SECRET)_?KEY)$/i;

/**
 * What every run that this instance starts records of its build. Allow-listed variables are read once, here.
 *
 * @returns `envAllowlist` maps each name to its value, `null` where the variable is not set
 * @throws {@link RunsealError} `instance.misconfigured` for an option that can't be right; `secret.detected` when a value, or the
 * name of a variable, is that of a credential
 */
export function buildProvenance(options: BuildOptions = {}, env: NodeJS.ProcessEnv = process.env): JsonObject {
  const build = {
    gitCommit: textOf("gitCommit", options.gitCommit),
    lockfileHash: textOf("lockfileHash", options.lockfileHash),
    nodeVersion: process.version,
    packageVersion: PACKAGE_VERSION,
    platform: `${platform()}-${process.arch}`,
    envAllowlist: allowedValues(options.envAllowlist ?? [], env),
  };
  const secret = findSecret(build);
  if (secret !== undefined) throw secretIn(`/build${secret.pointer}`, secret.rule);
  return Object.freeze(build);
}

function textOf(option: "gitCommit" | "lockfileHash", text: unknown): string | null {
  if (text === undefined) return null;
  if (typeof text === "string" && text !== "" && isRecordable(text)) return text;
  throw misconfigured(option, `a text of 1 to ${TEXT_LENGTH_MAX} characters`);
}

function allowedValues(names: unknown, env: NodeJS.ProcessEnv): JsonObject {
  if (!Array.isArray(names) || names.length > NAMES_MAX) {
    throw misconfigured("envAllowlist", `a list of up to ${NAMES_MAX} names`);
  }
  return Object.freeze(Object.fromEntries((names as readonly unknown[]).map((name) => allowedEntry(name, env))));
}

function allowedEntry(name: unknown, env: NodeJS.ProcessEnv): readonly [string, string | null] {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw misconfigured("envAllowlist", "a list of names of environment variables: letters, digits and _");
  }
  if (CREDENTIAL_NAME.test(name)) throw secretIn(jsonPointer(["build", "envAllowlist", name]), "name");
  const value = env[name];
  if (value === undefined) return [name, null];
  if (isRecordable(value)) return [name, value];
  throw misconfigured("envAllowlist", `names of variables with up to ${TEXT_LENGTH_MAX} characters, unlike "${name}"`);
}

function isRecordable(text: string): boolean {
  return text.length <= TEXT_LENGTH_MAX && !/\p{Surrogate}/u.test(text);
}

function misconfigured(option: string, right: string): RunsealError {
  return new RunsealError("instance.misconfigured", `"build.${option}" must be ${right}`, { option: `build.${option}` });
}

function secretIn(pointer: string, rule: string): RunsealError {
  const message = `"${pointer}" looks like a credential (${rule}); what is recorded of a build can't be taken back`;
  return new RunsealError("secret.detected", message, { pointer, rule });
}
