/** A shape of credential: `hint` is a text that every match contains, without signs that a pattern would read; looked for first because it is cheap. */
interface SecretShape {
  readonly rule: string;
  readonly hint: string;
  readonly pattern: RegExp;
}

/**
 * Shapes that are credentials wherever they stand. Every pattern is linear: bounded repeats, and no two
 * starts that read the same long run again (`-eyJ` ends the run of an `eyJ`; a scheme is looked at backwards from its `://`).
 *
 * @see https://github.com/gitleaks/gitleaks for the field's list; these are written anew from the vendors' formats
 */
export const SECRET_SHAPES: readonly SecretShape[] = [
  { rule: "private_key", hint: "PRIVATE KEY-----", pattern: /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----/ },
  { rule: "aws_access_key", hint: "AKIA", pattern: /\bAKIA[0-9A-Z]{16}\b/ },
  { rule: "aws_session_key", hint: "ASIA", pattern: /\bASIA[0-9A-Z]{16}\b/ },
  { rule: "github_token", hint: "gh", pattern: /\bgh[pousr]_[A-Za-z0-9]{36,255}\b/ },
  { rule: "github_fine_token", hint: "github_pat_", pattern: /\bgithub_pat_[A-Za-z0-9_]{40,255}\b/ },
  { rule: "slack_token", hint: "xox", pattern: /\bxox[abpors]-[A-Za-z0-9-]{10,250}\b/ },
  { rule: "stripe_key", hint: "_live_", pattern: /\b[rs]k_live_[A-Za-z0-9]{16,255}\b/ },
  { rule: "google_api_key", hint: "AIza", pattern: /\bAIza[0-9A-Za-z_-]{35}\b/ },
  { rule: "npm_token", hint: "npm_", pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { rule: "openai_key", hint: "sk-", pattern: /\bsk-[A-Za-z0-9_-]{32,255}\b/ },
  {
    rule: "jwt",
    hint: "eyJ",
    pattern: /\beyJ(?:(?!-eyJ)[A-Za-z0-9_-]){10,4096}\.eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{10,4096}/,
  },
  { rule: "bearer_header", hint: "earer ", pattern: /\b[Bb]earer [A-Za-z0-9._~+/-]{16,4096}/ },
  { rule: "basic_header", hint: "asic ", pattern: /\b[Bb]asic [A-Za-z0-9+/]{16,4096}={0,2}/ },
  { rule: "url_credentials", hint: "://", pattern: /(?<=[a-z][a-z0-9+.-]):\/\/[^\s/:@]{1,256}:[^\s/@]{1,256}@/ },
];

const HINTS = new RegExp(SECRET_SHAPES.map(({ hint }) => hint).join("|"));

/** Tells whether a text holds any hint: nearly none does, and one look for all of them is a seventh of one for each. Linear. */
export function hasSecretHint(text: string): boolean {
  return HINTS.test(text);
}
