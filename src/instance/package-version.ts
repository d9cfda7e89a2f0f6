/** The version of this package, as `package.json` has it: a test compares them. */
export const PACKAGE_VERSION = "0.1.0";
