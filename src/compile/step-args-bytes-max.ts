/** Largest canonical text of the arguments of a step or a lookup, bytes (decision 3.20). */
export const STEP_ARGS_BYTES_MAX = 1_048_576;
