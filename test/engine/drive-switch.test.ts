import { describe, expect, test } from "vitest";
import { DriveSwitch } from "../../src/engine/drive-switch.js";
import { soon } from "../../src/engine/soon.js";

describe("the switch of a drive", () => {
  test("calls everybody back who listens, once and in order, and nobody who has left", () => {
    const heard: string[] = [];
    const drive = new DriveSwitch();
    const leaving = (): void => void heard.push("left");
    drive.addEventListener("abort", () => heard.push("first"));
    drive.addEventListener("abort", leaving);
    drive.addEventListener("abort", () => heard.push("second"));
    drive.removeEventListener("abort", leaving);
    expect([drive.aborted, heard]).toEqual([false, []]);
    drive.abort();
    drive.abort();
    expect([drive.aborted, heard]).toEqual([true, ["first", "second"]]);
  });
});

describe("what is there soon", () => {
  test("goes on at once with a value, and later with a promise", async () => {
    expect(soon(1, (value) => value + 1)).toBe(2);
    const later = soon(Promise.resolve(1), (value) => value + 1);
    expect(later).toBeInstanceOf(Promise);
    await expect(later).resolves.toBe(2);
    await expect(soon(1, (value) => Promise.resolve(value + 1))).resolves.toBe(2);
  });
});
