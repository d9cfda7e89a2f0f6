import type { UnlockedToken } from "../instance/options.js";
import { unlockedToken } from "../instance/options.js";

/** Permission for an instance of a test to run without locks, where its stores have no lock manager. */
export function allowUnlocked(): UnlockedToken {
  return unlockedToken();
}
