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

/** Tells whether a member name says that its value is a credential; whole names only, so that `passwordPolicy` is free. */
export function isSecretName(name: string): boolean {
  return name.length <= 40 && SECRET_NAMES.has(name.replaceAll(/[-_ .]/g, "").toLowerCase());
}
