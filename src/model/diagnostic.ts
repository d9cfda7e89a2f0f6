/** A finding about what somebody wrote: returned, never thrown. */
export interface Diagnostic {
  /** `room.what_is_wrong`. */
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  /** Step path, macro path or JSON Pointer of the place. */
  readonly path: string;
  /** Other places that belong to the finding, e.g. the steps of a cycle. */
  readonly related: readonly string[];
}
