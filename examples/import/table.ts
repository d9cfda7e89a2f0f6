/** What became of one file. */
export interface TableRow {
  readonly file: string;
  readonly format: string;
  readonly verdict: string;
  /** Refusals where it was refused, else notes. */
  readonly why: readonly string[];
  readonly run?: {
    readonly steps: number;
    readonly phases: number;
    readonly writes: number;
    readonly calls: number;
    readonly runbookId: string;
    readonly status: string;
    readonly isVerified: boolean;
  };
}

const HEADINGS = ["file", "format", "verdict", "steps", "phases", "writes", "calls", "runbook", "run"] as const;

/** The rows as a text with columns; what was refused or is worth knowing stands below its row. */
export function tableOf(rows: readonly TableRow[]): string {
  const cells = rows.map(({ file, format, verdict, run }) =>
    run === undefined
      ? [file, format, verdict, "", "", "", "", "", ""]
      : [
          file,
          format,
          verdict,
          ...[run.steps, run.phases, run.writes, run.calls].map(String),
          run.runbookId.slice(0, 15),
          `${run.status}, ${run.isVerified ? "verified" : "NOT VERIFIED"}`,
        ],
  );
  const widths = HEADINGS.map((heading, column) =>
    [heading.length, ...cells.map((row) => row[column]?.length ?? 0)].reduce((a, b) => Math.max(a, b)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const lines = rows.flatMap((row, index) => [
    line(cells[index] ?? []),
    ...row.why.map((reason) => `    ${reason.slice(0, 240)}`),
  ]);
  return [line(HEADINGS), ...lines].join("\n");
}
