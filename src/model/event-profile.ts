/**
 * How much handlers' own events (`domain`, `progress`) are recorded (D-065): `minimal` drops them, `normal` and `verbose` keep them. Facts, artifacts and
 * everything that the engine itself says are always kept.
 */
export type EventProfile = "minimal" | "normal" | "verbose";
