import { subject, type Mode, type Recovery } from "runseal";
import { z } from "zod";

/** What an Automation action does to the world, and the inputs of it that name entities. */
export interface SsmAction {
  readonly effect: "read" | "write";
  /** Present exactly when the effect is `write`. */
  readonly recovery?: Recovery;
  readonly mode?: Mode;
  /** Schemas of the inputs that are known; others are any JSON. */
  readonly inputs: { readonly [name: string]: z.ZodType };
  readonly sentence?: string;
}

const instances = (access: "read" | "write"): z.ZodType => z.array(subject("ec2.instance", access)).optional();
const stack = subject("cloudformation.stack", "write").optional();

/**
 * Doing it again leads to the same state: `idempotent`. Anything that makes something new, or runs code of others, is `manual`:
 * when a process dies in the middle, a person looks before it is done a second time.
 */
const WRITES_SAFELY = { effect: "write", recovery: "idempotent" } as const;
const WRITES = { effect: "write", recovery: "manual" } as const;
/** Gates and sleeps touch nothing; they ask a person and a clock, which is reading. */
const READS = { effect: "read" } as const;

/** The actions of schema version 0.3 that become steps. `aws:branch` becomes conditions; `aws:executeAwsApi` a verb per call. */
export const SSM_ACTIONS: ReadonlyMap<string, SsmAction> = new Map<string, SsmAction>([
  ["aws:approve", { ...READS, mode: "human_gate", inputs: {} }],
  ["aws:pause", { ...READS, mode: "human_gate", inputs: {} }],
  ["aws:sleep", { ...READS, mode: "durable", inputs: {} }],
  ["aws:assertAwsResourceProperty", { ...READS, inputs: {} }],
  ["aws:waitForAwsResourceProperty", { ...READS, inputs: {} }],
  ["aws:changeInstanceState", { ...WRITES_SAFELY, inputs: { InstanceIds: instances("write") } }],
  ["aws:createTags", { ...WRITES_SAFELY, inputs: {} }],
  ["aws:deleteImage", { ...WRITES_SAFELY, inputs: { ImageId: subject("ec2.image", "write").optional() } }],
  ["aws:deleteStack", { ...WRITES_SAFELY, inputs: { StackName: stack } }],
  ["aws:createStack", { ...WRITES, inputs: { StackName: stack } }],
  ["aws:updateStack", { ...WRITES, inputs: { StackName: stack } }],
  ["aws:createImage", { ...WRITES, inputs: { InstanceId: subject("ec2.instance").optional() } }],
  ["aws:copyImage", { ...WRITES, inputs: { SourceImageId: subject("ec2.image").optional() } }],
  ["aws:runInstances", { ...WRITES, inputs: { ImageId: subject("ec2.image").optional() } }],
  ["aws:runCommand", { ...WRITES, inputs: { InstanceIds: instances("write") } }],
  ["aws:invokeLambdaFunction", { ...WRITES, inputs: { FunctionName: subject("lambda.function").optional() } }],
  ["aws:executeAutomation", { ...WRITES, inputs: {} }],
  ["aws:executeScript", { ...WRITES, inputs: {} }],
  ["aws:executeStateMachine", { ...WRITES, inputs: {} }],
  ["aws:invokeWebhook", { ...WRITES, inputs: {} }],
]);

/** What a call of a service's API does: names that begin like a question read, others write. */
export function apiAction(api: string): SsmAction {
  return /^(?:Describe|List|Get|BatchGet|Head|Lookup|Search|Query|Scan|Select|Simulate|Validate|Check)(?=[A-Z]|$)/.test(api)
    ? { ...READS, inputs: {} }
    : { ...WRITES, inputs: {} };
}
