import type { BoxPlace, SecretKey } from "./secret-box.js";
import type { Scope } from "../model/ids.js";
import { KnownSecrets } from "../secrets/known-secrets.js";
import { RunsealError } from "../errors/error.js";
import { boxHeaderOf, openBox, sealBox } from "./secret-box.js";
import { isSecretReferenceName } from "../secrets/reference.js";

/** Where the host keeps its secrets. What its functions throw is not repeated anywhere. */
export interface SecretSource {
  /** The value of a secret; throws or gives something that is no text when there is none. */
  resolve(name: string, at: { readonly scope: Scope }): Promise<string> | string;
  /** Whether there is such a secret, for admission and dry runs. Default: `resolve` is asked. */
  has?(name: string, at: { readonly scope: Scope }): Promise<boolean> | boolean;
  /**
   * The key for encrypted artifacts: the one named by `id`, or without one the key to encrypt with now. Default: there is none.
   */
  key?(id: string | undefined, at: { readonly scope: Scope }): Promise<SecretKey> | SecretKey;
}

const KEY_ID = /^[A-Za-z0-9_.:-]{1,64}$/;
const KEY_BYTES = 32;

/** Hands secrets out, remembers what it handed out, and encrypts what handlers want kept. One per instance. */
export class SecretBroker {
  readonly #source: SecretSource | undefined;
  readonly #known = new Map<Scope, KnownSecrets>();

  constructor(source: SecretSource | undefined) {
    this.#source = source;
  }

  /** The values that were handed out in a scope. */
  known(scope: Scope): KnownSecrets {
    const known = this.#known.get(scope) ?? new KnownSecrets();
    this.#known.set(scope, known);
    return known;
  }

  /**
   * The value of a secret, known from now on.
   *
   * @throws {@link RunsealError} `secret.unresolved`
   */
  async resolve(scope: Scope, name: string): Promise<string> {
    const value = isSecretReferenceName(name) ? await this.#ask(scope, name) : undefined;
    if (value === undefined) throw unresolved(name);
    this.known(scope).add(value);
    return value;
  }

  /** Whether a secret could be handed out now; never rejects. */
  async isResolvable(scope: Scope, name: string): Promise<boolean> {
    const source = this.#source;
    if (source?.has === undefined) return (await this.#ask(scope, name)) !== undefined;
    try {
      const answer: unknown = await source.has(name, { scope });
      return answer === true;
    } catch {
      // whatever the host's vault had to say, it did not say yes
      return false;
    }
  }

  /**
   * Encrypts bytes with the host's key of now.
   *
   * @param nonce - 12 fresh random bytes
   * @throws {@link RunsealError} `secret.key_missing`
   */
  async seal(
    plain: Uint8Array,
    nonce: Uint8Array,
    place: BoxPlace,
  ): Promise<{ readonly bytes: Uint8Array; readonly keyId: string; readonly keyedDigest: string }> {
    const key = await this.#key(undefined, place.scope);
    return { ...sealBox(plain, key, nonce, place), keyId: key.id };
  }

  /**
   * Decrypts what {@link SecretBroker.seal} made.
   *
   * @throws {@link RunsealError} `secret.key_missing`, `secret.key_wrong`
   */
  async open(bytes: Uint8Array, place: BoxPlace): Promise<Uint8Array> {
    const keyId = boxHeaderOf(bytes)?.header.keyId ?? "";
    const { key } = await this.#key(keyId, place.scope);
    const plain = openBox(bytes, key, place);
    if (plain !== undefined) return plain;
    const message = `the key "${keyId}" does not open this artifact: it is another key, or another run's artifact`;
    throw new RunsealError("secret.key_wrong", message, { keyId });
  }

  async #ask(scope: Scope, name: string): Promise<string | undefined> {
    try {
      const value: unknown = await this.#source?.resolve(name, { scope });
      return typeof value === "string" && value !== "" && !/\p{Surrogate}/u.test(value) ? value : undefined;
    } catch {
      // its message may hold the value, or the way to it
      return undefined;
    }
  }

  async #key(id: string | undefined, scope: Scope): Promise<SecretKey> {
    const found = await this.#askKey(id, scope);
    const isSound = found !== undefined && KEY_ID.test(found.id) && found.key.byteLength === KEY_BYTES;
    if (isSound && (id === undefined || found.id === id)) return found;
    const which = id === undefined ? "no key to encrypt with" : `no key "${id}"`;
    const message = `the host gave ${which}: "secrets.key" gives an id and ${KEY_BYTES} bytes`;
    throw new RunsealError("secret.key_missing", message, { keyId: id ?? null });
  }

  async #askKey(id: string | undefined, scope: Scope): Promise<SecretKey | undefined> {
    try {
      const found: unknown = await this.#source?.key?.(id, { scope });
      return isKey(found) ? found : undefined;
    } catch {
      // as with resolve
      return undefined;
    }
  }
}

function isKey(found: unknown): found is SecretKey {
  if (found === null || typeof found !== "object" || !("id" in found) || !("key" in found)) return false;
  return typeof found.id === "string" && found.key instanceof Uint8Array;
}

function unresolved(name: unknown): RunsealError<"secret.unresolved"> {
  const shown = isSecretReferenceName(name) ? name : "";
  const message = shown === "" ? "that is no name of a secret" : `there is no secret "${shown}": the option "secrets" gave none`;
  return new RunsealError("secret.unresolved", message, { name: shown });
}
