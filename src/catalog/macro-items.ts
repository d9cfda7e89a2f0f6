import type { BodyItem } from "../model/macro.js";

/** A statement of a body and where it stands. */
export interface PlacedItem {
  readonly item: BodyItem;
  /** Path of labels; of the block it stands in where it has no label. */
  readonly path: string;
}

/** Every statement of a body, those of inner blocks included, in the order of writing. */
export function itemsOf(body: readonly BodyItem[], prefix = ""): readonly PlacedItem[] {
  return body.flatMap((item): readonly PlacedItem[] => {
    if (item.kind === "when") {
      return [{ item, path: prefix }, ...itemsOf(item.then, prefix), ...itemsOf(item.otherwise, prefix)];
    }
    const path = prefix === "" ? item.label : `${prefix}/${item.label}`;
    return item.kind === "for_each" ? [{ item, path }, ...itemsOf(item.body, path)] : [{ item, path }];
  });
}
