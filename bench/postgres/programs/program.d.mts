import type { ChildProcess } from "node:child_process";

/** Runs of steps one after the other. */
export interface Work {
  readonly runs: number;
  readonly steps: number;
  readonly concurrency: number;
}

/** What a program is told. */
export interface ProgramConfig {
  readonly databaseUrl: string;
  readonly work: Work;
  readonly warm?: Work;
  /** 100 bytes with the number of the step beside them. */
  readonly pad: string;
  readonly variant: string;
  readonly role?: string;
  readonly leaseMs: number;
  readonly folder: string;
}

/** What measured work took. */
export interface Taken {
  readonly ms: number;
  readonly steps: number;
  /** Further readings by name. */
  readonly notes?: { readonly [name: string]: number };
}

/** An engine that is ready for work. */
export interface Engine {
  prepare(work: Work): Promise<() => Promise<Taken>>;
  close(): Promise<void>;
}

/** See program.mjs. */
export function program(open: (config: ProgramConfig) => Promise<Engine>): Promise<void>;
/** Milliseconds that mean the same in every process of a machine. */
export function monotonicMs(): number;
/** Does `count` pieces of work, `width` at a time. */
export function inLanes(count: number, width: number, work: (n: number) => Promise<void>): Promise<void>;
/** The next message of a kind from a child. */
export function heardFrom(child: ChildProcess, kind: string): Promise<{ readonly at: number }>;
/** The middle and the worst but one in a hundred. */
export function percentiles(values: readonly number[]): { readonly p50: number; readonly p99: number };
