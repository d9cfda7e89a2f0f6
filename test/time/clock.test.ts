import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../src/time/clock.js";

const DAY_MS = 86_400_000;

describe("the clock of this machine", () => {
  beforeEach(() => vi.useFakeTimers({ now: 1000 }));
  afterEach(() => vi.useRealTimers());

  it("tells milliseconds since the epoch", () => {
    expect(systemClock.now()).toBe(1000);
    vi.advanceTimersByTime(5);
    expect(systemClock.now()).toBe(1005);
  });

  it("calls back once, at its time", () => {
    const calls: number[] = [];
    systemClock.schedule(10, () => calls.push(systemClock.now()));
    vi.advanceTimersByTime(9);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(calls).toEqual([1010]);
  });

  it("calls back at once for times gone by, but never inside the call", () => {
    const calls: string[] = [];
    systemClock.schedule(-5, () => calls.push("run"));
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls).toEqual(["run"]);
  });

  it("waits 60 days, longer than one timer of the platform can, to the millisecond", () => {
    const calls: number[] = [];
    systemClock.schedule(60 * DAY_MS, () => calls.push(systemClock.now()));
    vi.advanceTimersByTime(60 * DAY_MS - 1);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls).toEqual([1000 + 60 * DAY_MS]);
  });

  it("cancels before, between the pieces of a long wait, and harmlessly afterwards", () => {
    const calls: string[] = [];
    const early = systemClock.schedule(10, () => calls.push("early"));
    const long = systemClock.schedule(60 * DAY_MS, () => calls.push("long"));
    early.cancel();
    early.cancel();
    vi.advanceTimersByTime(30 * DAY_MS);
    long.cancel();
    vi.advanceTimersByTime(90 * DAY_MS);
    expect(calls).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("sleeps its time", async () => {
    let awake = false;
    const slept = systemClock.sleep(50).then(() => (awake = true));
    await vi.advanceTimersByTimeAsync(49);
    expect(awake).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await slept;
    expect(awake).toBe(true);
  });

  it("wakes without an error when its signal is aborted, and leaves neither timer nor listener", async () => {
    const stop = new AbortController();
    const removed = vi.spyOn(stop.signal, "removeEventListener");
    const slept = systemClock.sleep(50, stop.signal);
    stop.abort(new TypeError("stop"));
    await expect(slept).resolves.toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
    expect(removed).toHaveBeenCalledTimes(1);
  });

  it("does not sleep at all when its signal was aborted before", async () => {
    await expect(systemClock.sleep(50, AbortSignal.abort())).resolves.toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes its listener off the signal after an undisturbed sleep", async () => {
    const stop = new AbortController();
    const removed = vi.spyOn(stop.signal, "removeEventListener");
    const slept = systemClock.sleep(50, stop.signal);
    await vi.advanceTimersByTimeAsync(50);
    await slept;
    expect(removed).toHaveBeenCalledTimes(1);
  });
});
