import { readFileSync } from "node:fs";
import { importDocument } from "../../examples/import/import-document.js";
import type { Imported } from "../../examples/import/imported.js";

const ROOT = new URL("../fixtures/", import.meta.url).pathname;
const SSM = "aws-ssm-automation/aws-systems-manager/Documents/Automation";
const ARGO = "dag-workflows/argo-workflows/examples";
const KESTRA = "dag-workflows/kestra/core/src/test/resources/flows";
const PEGASUS = "dag-workflows/pegasus/test";

/** Every document of the field that the importers are held against, by a short name. */
export const FIXTURES = {
  "ssm/ASGChangeStandbyState": `${SSM}/ASGChangeStandbyState/Documents/aws-ASGChangeStandbyState.json`,
  "ssm/CreateImage": `${SSM}/CreateImage/Documents/aws-CreateImage.json`,
  "ssm/DeleteCloudFormation": `${SSM}/DeleteCloudFormationWithApproval/Documents/aws-DeleteCloudFormationWithApproval.json`,
  "ssm/RestartEC2Instance": `${SSM}/RestartInstanceWithApproval/Documents/aws-RestartEC2Instance.json`,
  "ssm/StopEC2Instance": `${SSM}/StopInstance/Documents/aws-StopEC2Instance.json`,
  "ssm/UpdateCloudFormation": `${SSM}/UpdateCloudFormationWithApproval/Documents/aws-UpdateCloudFormationWithApproval.json`,
  "argo/diamond": `${ARGO}/dag-diamond.yaml`,
  "argo/multiroot": `${ARGO}/dag-multiroot.yaml`,
  "argo/nested": `${ARGO}/dag-nested.yaml`,
  "argo/targets": `${ARGO}/dag-targets.yaml`,
  "kestra/dag": `${KESTRA}/valids/dag.yaml`,
  "kestra/cyclic": `${KESTRA}/invalids/dag-cyclicdependency.yaml`,
  "pegasus/inner": `${PEGASUS}/core/015-shell-hierarchic-workflow/inner.dax`,
  "pegasus/workflow": `${PEGASUS}/junit/edu/isi/pegasus/planner/parser/dax/input/workflow.yml`,
  "pegasus/pipeline.dax": `${PEGASUS}/junit/edu/isi/pegasus/planner/refiner/input/datareuse/pipeline.dax`,
  "pegasus/blackdiamond": `${PEGASUS}/visualize/blackdiamond.dax`,
  "dagman/abcd": `${PEGASUS}/visualize/abcd.dag`,
  "dagman/pipeline": `${PEGASUS}/visualize/pipeline.dag`,
} as const;

/** The short name of a fixture. */
export type FixtureName = keyof typeof FIXTURES;

/** The text of a fixture. */
export function fixtureText(name: FixtureName): string {
  return readFileSync(ROOT + FIXTURES[name], "utf8");
}

/** A fixture as the importers convert it. */
export function importFixture(name: FixtureName): Imported {
  return importDocument(fixtureText(name), FIXTURES[name]);
}

/** The fixtures that become macros: all but the one that is a test of refusals itself. */
export const CONVERTED = (Object.keys(FIXTURES) as FixtureName[]).filter((name) => name !== "kestra/cyclic");
