const SECRET_NAMES = new Set([
  "password",
  "passwd",
  "passphrase",
  "mnemonic",
  "seedphrase",
  "privatekey",
  "apikey",
  "secretkey",
  "accesskey",
  "awssecretaccesskey",
  "secretaccesskey",
  "accesstoken",
  "refreshtoken",
  "idtoken",
  "authtoken",
  "bearertoken",
  "clientsecret",
]);

/** Names remembered, as nearly every document has the same ones. */
const NAMES_MAX = 4_096;
const known = new Map<string, boolean>();

/** Tells whether a member name says that its value is a credential; whole names only, so that `passwordPolicy` is free. */
export function isSecretName(name: string): boolean {
  return name.length <= 40 && (known.get(name) ?? newName(name));
}

function newName(name: string): boolean {
  const isSecret = SECRET_NAMES.has(name.replaceAll(/[-_ .]/g, "").toLowerCase());
  if (known.size < NAMES_MAX) known.set(name, isSecret);
  return isSecret;
}
