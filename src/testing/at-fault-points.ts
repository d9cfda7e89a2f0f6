import type { FaultPoint } from "../engine/fault-point.js";
import type { FaultPointsToken } from "../instance/options.js";
import { faultPointsToken } from "../instance/options.js";

export { FAULT_POINTS } from "../engine/fault-point.js";
export type { FaultPoint } from "../engine/fault-point.js";

/**
 * Arms the fault points of an instance: `reached` is called, synchronously, each time the engine passes one.
 *
 * For tests that kill their own process there (`process.kill(process.pid, "SIGKILL")`) and go on in another. `reached` must not throw.
 */
export function atFaultPoints(reached: (point: FaultPoint) => void): FaultPointsToken {
  return faultPointsToken(reached);
}
