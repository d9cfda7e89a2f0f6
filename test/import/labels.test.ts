import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { legalLabels } from "../../examples/import/labels.js";

const LEGAL = /^[a-z][a-z0-9_]{0,62}$/;

describe("labels of source names", () => {
  test("read like the names: words of lower case, a letter first", () => {
    const names = ["createStack", "EC2Instance", "my-step.1", "ID0000001", "7th", "Größe", "", "__"];
    expect([...legalLabels(names).values()]).toEqual([
      "create_stack",
      "ec2_instance",
      "my_step_1",
      "id0000001",
      "s_7th",
      "gr_e",
      "s",
      "s_2",
    ]);
  });

  test("leave a name that is a label already as it is, wherever it stands", () => {
    expect(Object.fromEntries(legalLabels(["A", "a", "a_2", "A "]))).toEqual({ A: "a_3", a: "a", a_2: "a_2", "A ": "a_4" });
  });

  test("keep names apart that are equal for longer than a label is", () => {
    const long = "x".repeat(200);
    const labels = [...legalLabels([`${long}1`, `${long}2`, `${long}3`]).values()];
    expect(labels).toEqual(["x".repeat(63), `${"x".repeat(61)}_2`, `${"x".repeat(61)}_3`]);
  });

  property.prop([
    fc.uniqueArray(fc.oneof(fc.string({ unit: "binary", maxLength: 80 }), fc.constantFrom("a", "A", "a_2", "A-2", "__proto__"))),
  ])("are legal, one for each name, and no two alike", (names) => {
    const labels = legalLabels(names);
    expect([...labels.keys()].sort()).toEqual([...names].sort());
    expect(new Set(labels.values()).size).toBe(names.length);
    for (const label of labels.values()) expect(label).toMatch(LEGAL);
  });

  property.prop([fc.uniqueArray(fc.string())])("are the same for the same list", (names) => {
    expect([...legalLabels(names)]).toEqual([...legalLabels([...names])]);
  });
});
