import { XMLParser } from "fast-xml-parser";
import type { Findings } from "./findings.js";
import { xmlFault } from "./xml-faults.js";

/** An element of an XML document; names without their namespace prefix. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: { readonly [name: string]: string };
  readonly children: readonly (XmlElement | string)[];
}

const DEPTH_MAX = 64;

/**
 * Parses XML to a tree. Document types are refused, because they can define entities without end.
 *
 * @returns `undefined` when it was refused
 */
export function parseXml(text: string, findings: Findings): XmlElement | undefined {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) {
    return findings.refuse("import.not_parsable", "", "a document type declaration is not read");
  }
  const fault = xmlFault(text);
  if (fault !== undefined) return findings.refuse("import.not_parsable", `line:${fault.line}`, fault.message);
  try {
    const parser = new XMLParser({
      preserveOrder: true,
      ignoreAttributes: false,
      attributeNamePrefix: "",
      removeNSPrefix: true,
      parseTagValue: false,
      parseAttributeValue: false,
      trimValues: false,
      ignoreDeclaration: true,
      ignorePiTags: true,
    });
    const roots = elementsOf(parser.parse(text), 0, findings);
    return roots.find((root) => typeof root !== "string");
  } catch (error) {
    const reason = error instanceof Error ? error.message : "something that is no error was thrown";
    return findings.refuse("import.not_parsable", "", `the text is no XML: ${reason.slice(0, 200)}`);
  }
}

/** The elements of a name among the children. */
export function childrenNamed(element: XmlElement, ...names: readonly string[]): readonly XmlElement[] {
  return element.children.filter((child) => typeof child !== "string" && names.includes(child.name)) as readonly XmlElement[];
}

/** The parser's ordered form: `{ tag: [...], ":@": { attribute: text } }` and `{ "#text": text }`. */
function elementsOf(nodes: unknown, depth: number, findings: Findings): readonly (XmlElement | string)[] {
  if (!Array.isArray(nodes)) return [];
  if (depth > DEPTH_MAX) {
    findings.refuse("import.too_large", "", `elements are nested deeper than ${DEPTH_MAX}`);
    return [];
  }
  return nodes.flatMap((node: { readonly [name: string]: unknown }): readonly (XmlElement | string)[] => {
    const text = node["#text"];
    if (typeof text === "string") return [text];
    const name = Object.keys(node).find((key) => key !== ":@");
    if (name === undefined) return [];
    const attributes = Object.entries((node[":@"] ?? {}) as { readonly [name: string]: unknown });
    return [
      {
        name,
        attributes: Object.fromEntries(attributes.map(([key, value]) => [key, String(value)])),
        children: elementsOf(node[name], depth + 1, findings),
      },
    ];
  });
}
