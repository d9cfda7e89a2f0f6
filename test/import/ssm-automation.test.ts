import { describe, expect, test } from "vitest";
import { importSsmAutomation } from "../../examples/import/ssm-automation.js";
import { printTree } from "../../src/expression/print.js";
import { planImported } from "./compile-imported.js";

type Step = { readonly name: string; readonly action?: string } & { readonly [member: string]: unknown };

const nap = (name: string, more: object = {}): Step => ({ name, action: "aws:sleep", inputs: { Duration: "PT1M" }, ...more });
const stop = (name: string, more: object = {}): Step => ({
  name,
  action: "aws:changeInstanceState",
  inputs: { InstanceIds: ["i-1"], DesiredState: "stopped" },
  ...more,
});
const document = (mainSteps: readonly Step[], more: object = {}): object => ({
  schemaVersion: "0.3",
  description: "A test",
  ...more,
  mainSteps,
});
const imported = (mainSteps: readonly Step[], more: object = {}): ReturnType<typeof importSsmAutomation> =>
  importSsmAutomation(document(mainSteps, more));
const refusals = (mainSteps: readonly Step[], more: object = {}): readonly string[] =>
  imported(mainSteps, more).report.refusals.map(({ code, pointer }) => `${code} ${pointer}`);
const planned = (mainSteps: readonly Step[], more: object = {}, args: { readonly [name: string]: unknown } = {}) => {
  const { plan } = planImported(imported(mainSteps, more), args);
  return plan.steps.map((step) => ({
    id: step.id,
    after: plan.dependsOn.get(step.id) ?? [],
    when: step.when === undefined ? null : printTree(step.when),
    args: step.args,
    optional: step.optional,
  }));
};

describe("parameters of an Automation document", () => {
  test("become parameters of the macro, with their types, choices, patterns and defaults", () => {
    const parameters = {
      Name: { type: "String", allowedPattern: "^[a-z]+$", minChars: 2 },
      Size: { type: "String", allowedValues: ["small", "large"], default: "small" },
      Ids: { type: "StringList", default: [] },
      Force: { type: "Boolean", default: "false" },
      Count: { type: "Integer", default: "3" },
      Instance: { type: "AWS::EC2::Instance::Id" },
      Roles: { type: "List<AWS::IAM::Role::Arn>" },
      Tags: { type: "StringMap", default: {} },
    };
    const [macro] = imported([nap("one")], { parameters }).macros;
    expect(macro?.definition.params).toEqual({
      type: "object",
      fields: {
        Name: { type: "string", min: 2, pattern: "^[a-z]+$" },
        Size: { type: "default", of: { type: "enum", values: ["large", "small"] }, value: "small" },
        Ids: { type: "default", of: { type: "array", item: { type: "string" } }, value: [] },
        Force: { type: "default", of: { type: "boolean" }, value: false },
        Count: { type: "default", of: { type: "integer" }, value: 3 },
        Instance: { type: "string", subject: { kind: "ec2.instance", access: "read" } },
        Roles: { type: "array", item: { type: "string", subject: { kind: "iam.role", access: "read" } } },
        Tags: { type: "default", of: { type: "record", key: { type: "string" }, value: { type: "json" } }, value: {} },
      },
      required: ["Instance", "Name", "Roles"],
      unknown: "refuse",
    });
  });

  test("keep a default that the service computes, as a value that the caller binds", () => {
    const parameters = { Stack: { type: "String", default: "s-{{automation:EXECUTION_ID}}" } };
    const steps = [{ name: "drop", action: "aws:deleteStack", inputs: { StackName: "{{ Stack }}" } }];
    expect(imported(steps, { parameters }).report.bindings).toEqual([
      { name: "automation_execution_id", source: "automation:EXECUTION_ID" },
    ]);
    expect(planned(steps, { parameters })[0]?.args).toEqual({ inputs: { StackName: "s-bound automation:EXECUTION_ID" } });
    expect(planned(steps, { parameters }, { Stack: "mine" })[0]?.args).toEqual({ inputs: { StackName: "mine" } });
  });

  test("are refused where a macro can't have them, each with its place", () => {
    const parameters = {
      "a b": { type: "String" },
      length: { type: "String" },
      Odd: { type: "Blob" },
      Wrong: { type: "Integer", default: "many" },
      Untyped: {},
      Loud: "String",
    };
    expect(refusals([nap("one")], { parameters })).toEqual([
      "import.not_expressible /parameters/a b",
      "import.not_expressible /parameters/length",
      "import.unknown_construct /parameters/Odd/type",
      "import.wrong_type /parameters/Wrong/default",
      "import.wrong_type /parameters/Wrong/default",
      "import.missing_member /parameters/Untyped/type",
      "import.wrong_type /parameters/Loud",
    ]);
  });

  test("leave a pattern that is not one of JavaScript's to the service, and say so", () => {
    const parameters = { Name: { type: "String", allowedPattern: "(?<!a)(?i)b++" } };
    expect(imported([nap("one")], { parameters }).report.notes).toEqual([
      {
        pointer: "/parameters/Name/allowedPattern",
        message: "the pattern is not one of JavaScript's and is checked by the service alone",
      },
    ]);
  });
});

describe("references in an Automation document", () => {
  const parameters = { Id: { type: "String" }, Ids: { type: "StringList" }, Map: { type: "StringMap" } };

  test("are the value itself where they stand alone, and joined to the text around them", () => {
    const steps = [
      { name: "find", action: "aws:executeAwsApi", inputs: { Service: "ec2", Api: "DescribeInstances", Id: "{{Id}}" } },
      {
        name: "run",
        action: "aws:invokeLambdaFunction",
        inputs: { FunctionName: "f", Payload: '{"id": "{{ find.Found }}", "all": {{ Ids }}}', Map: "{{ Map.key }}" },
      },
    ];
    const [, run] = planned(steps, { parameters }, { Ids: ["a", "b"], Map: { key: "v" } });
    expect(run?.args).toEqual({
      inputs: {
        FunctionName: "f",
        Payload: {
          $: "concat",
          of: ['{"id": "', { $: "result", step: "find", path: ["Found"] }, '", "all": ', ["a", "b"], "}"],
        },
        Map: "v",
      },
    });
    expect(run?.after).toEqual(["find"]);
  });

  test("fit a list input however it is written: a list, one text, a list around a list", () => {
    const ids = (InstanceIds: unknown): unknown => {
      const [step] = planned(
        [stop("s", { inputs: { InstanceIds, DesiredState: "stopped" } })],
        { parameters },
        { Ids: ["a", "b"] },
      );
      return step?.args;
    };
    const wanted = (InstanceIds: unknown): object => ({ inputs: { InstanceIds, DesiredState: "stopped" } });
    expect(ids("{{ Ids }}")).toEqual(wanted(["a", "b"]));
    expect(ids(["{{ Ids }}"])).toEqual(wanted(["a", "b"]));
    expect(ids("{{ Id }}")).toEqual(wanted(["Id-1"]));
    expect(ids(["{{ Id }}", "i-2"])).toEqual(wanted(["Id-1", "i-2"]));
    expect(ids("i-3")).toEqual(wanted(["i-3"]));
  });

  test("leave CloudFormation's own references and braces of other languages as they are", () => {
    const text = "{{resolve:ssm:/a/b}} {{ not a name! }} {{unclosed";
    const [step] = planned([{ name: "s", action: "aws:createStack", inputs: { StackName: "n", TemplateBody: text } }]);
    expect(step?.args).toEqual({ inputs: { StackName: "n", TemplateBody: text } });
  });

  test("in a script are its own where they name nothing of the document", () => {
    const script = { name: "s", action: "aws:executeScript", inputs: { Script: "f'{{x}} {{ Id }}'" } };
    expect(planned([script], { parameters })[0]?.args).toEqual({ inputs: { Script: "f'{{x}} Id-1'" } });
    expect(imported([script], { parameters }).report.notes).toEqual([
      {
        pointer: "/mainSteps/0/inputs/Script",
        message: '"{{x}}" names nothing of the document and is left as it is written',
      },
    ]);
  });

  test("are refused where they name nothing, a later step, or a value that changes", () => {
    const inputs = (reference: string): object => ({ inputs: { Duration: `{{ ${reference} }}` } });
    const of = (reference: string): readonly string[] => refusals([nap("one", inputs(reference)), nap("two")]);
    expect(of("Nobody")).toEqual(["import.unknown_reference /mainSteps/0/inputs/Duration"]);
    expect(of("nobody.Output")).toEqual(["import.unknown_reference /mainSteps/0/inputs/Duration"]);
    expect(of("one.Output")).toEqual(["import.unknown_reference /mainSteps/0/inputs/Duration"]);
    expect(of("two.Output")).toEqual(["import.unknown_reference /mainSteps/0/inputs/Duration"]);
    expect(of("variable:x")).toEqual(["import.loop /mainSteps/0/inputs/Duration"]);
  });

  test("leave a number with a fraction to be a text, and say so", () => {
    const steps = [nap("a", { inputs: { N: 0.5, M: 12_345_678_901_234_567_890 } })];
    expect(planned(steps)[0]?.args).toEqual({ inputs: { N: "0.5", M: "12345678901234567000" } });
    expect(imported(steps).report.notes[0]).toEqual({
      pointer: "/mainSteps/0/inputs/N",
      message: "0.5 is no integer and is written as a text, as sealed content holds decimals",
    });
  });

  test("of the outputs become the output of the macro", () => {
    const { macros } = imported([nap("one")], { outputs: ["one.Output"] });
    expect(macros[0]?.definition.output).toEqual({ "one.Output": { $: "result", step: "one", path: ["Output"] } });
    expect(refusals([nap("one")], { outputs: ["two.Output"] })).toEqual(["import.unknown_reference /outputs/0"]);
  });
});

describe("the order of an Automation document", () => {
  const ids = (steps: readonly Step[]): readonly string[] => planned(steps).map((step) => `${step.id}<${step.after.join()}`);

  test("is the order of writing where nothing else is said", () => {
    expect(ids([nap("a"), nap("b"), nap("c")])).toEqual(["a<", "b<a", "c<b"]);
  });

  test("follows nextStep and isEnd, and leaves out what is never reached", () => {
    const steps = [nap("a", { nextStep: "c" }), nap("b"), nap("c", { nextStep: "d" }), nap("d", { isEnd: true }), nap("e")];
    expect(ids(steps)).toEqual(["a<", "c<a", "d<c"]);
    expect(imported(steps).report.notes.map((note) => note.message)).toEqual([
      '"b" is never reached and is left out',
      '"e" is never reached and is left out',
    ]);
  });

  test("is refused where it leads back, as the circle it is", () => {
    const steps = [nap("a"), nap("b"), nap("c", { nextStep: "a" })];
    expect(imported(steps).report.refusals).toEqual([
      {
        code: "import.cycle",
        pointer: "/mainSteps/0",
        message: "the steps wait for each other in a circle: a -> b -> c -> a",
      },
    ]);
    expect(refusals([nap("a", { nextStep: "a" })])).toEqual(["import.cycle /mainSteps/0"]);
  });

  test("is refused where a step leads to nothing, or a name stands twice", () => {
    expect(refusals([nap("a", { nextStep: "z" })])).toEqual(["import.unknown_reference /mainSteps/0/nextStep"]);
    expect(refusals([stop("a", { onFailure: "step:z" })])).toEqual(["import.unknown_reference /mainSteps/0/onFailure"]);
    expect(refusals([nap("a"), nap("b"), nap("a")])).toEqual(["import.duplicate_name /mainSteps/2"]);
  });

  test("goes on after a failure where the document says Continue: failing is an answer then", () => {
    const steps = [stop("a", { onFailure: "Continue" }), stop("b")];
    expect(planned(steps).map(({ id, after, when }) => ({ id, after, when }))).toEqual([
      { id: "a", after: [], when: null },
      { id: "b", after: ["a"], when: null },
    ]);
    expect(imported(steps).verbs.map((verb) => verb.name)).toEqual([
      "ssm.change_instance_state_answering",
      "ssm.change_instance_state",
    ]);
  });

  test("jumps forward after a failure by conditions, and a critical failure ends the run as failed", () => {
    const steps = [
      stop("a", { onFailure: "step:clean" }),
      stop("b", { onFailure: "step:clean" }),
      stop("c"),
      stop("clean", { isEnd: true }),
    ];
    expect(planned(steps).map(({ id, after, when }) => ({ id, after, when }))).toEqual([
      { id: "a", after: [], when: null },
      { id: "b", after: ["a"], when: 'eq(a.result.status, "Success")' },
      { id: "c", after: ["b"], when: 'eq(b.result.status, "Success")' },
      {
        id: "clean",
        after: ["a", "b", "c"],
        when: 'any(eq(a.result.status, "Failed"), eq(b.result.status, "Failed"), exists(c.result))',
      },
      {
        id: "verdict",
        after: ["a", "b", "c", "clean"],
        when: 'any(eq(a.result.status, "Failed"), eq(b.result.status, "Failed"))',
      },
    ]);
  });

  test("fails the run where a failure leads nowhere, also of a step that is not critical, and says so", () => {
    expect(imported([nap("a", { isCritical: false })]).report.notes).toEqual([
      {
        pointer: "/mainSteps/0/isCritical",
        message: "a failure of this step ends the run as failed, though it is not critical",
      },
    ]);
  });

  test("has no verdict where no failure is critical", () => {
    const steps = [stop("a", { onFailure: "step:c", isCritical: false }), stop("b"), stop("c")];
    expect(planned(steps).map((step) => step.id)).toEqual(["a", "b", "c"]);
  });

  test("refuses ways that a gate, a cancel or an unknown word would have to lead", () => {
    const gate = { name: "g", action: "aws:approve", inputs: { Approvers: ["a"] }, onFailure: "Continue" };
    expect(refusals([gate, nap("b")])).toEqual(["import.run_time_choice /mainSteps/0/onFailure"]);
    expect(refusals([nap("a", { onCancel: "step:b" }), nap("b")])).toEqual(["import.run_time_choice /mainSteps/0/onCancel"]);
    expect(refusals([nap("a", { onFailure: "Perhaps" })])).toEqual(["import.unknown_construct /mainSteps/0/onFailure"]);
  });
});

describe("a branch of an Automation document", () => {
  const parameters = { Key: { type: "String", default: "" } };
  const branch = (inputs: object, more: object = {}): Step => ({ name: "which", action: "aws:branch", inputs, ...more });
  const steps = (inputs: object): readonly Step[] => [
    { name: "look", action: "aws:executeAwsApi", inputs: { Service: "s3", Api: "GetBucket" } },
    branch(inputs),
    nap("x", { nextStep: "z" }),
    nap("y"),
    nap("z"),
  ];
  const whens = (inputs: object, args: { readonly [name: string]: unknown } = {}): readonly (string | null)[] =>
    planned(steps(inputs), { parameters }, args).map((step) => step.when);

  test("over results becomes conditions on the steps behind it, in the order of its choices", () => {
    const inputs = {
      Choices: [
        { NextStep: "x", Variable: "{{ look.State }}", StringEquals: "on" },
        { NextStep: "z", Not: { Variable: "{{ look.State }}", StringEquals: "off" } },
      ],
      Default: "y",
    };
    expect(whens(inputs)).toEqual([
      null,
      'eq(look.result.State, "on")',
      'all(not(eq(look.result.State, "on")), not(not(eq(look.result.State, "off"))))',
      'any(all(not(eq(look.result.State, "on")), not(eq(look.result.State, "off"))), exists(x.result), exists(y.result))',
    ]);
  });

  test("over parameters is decided while compiling", () => {
    const inputs = { Choices: [{ NextStep: "x", Not: { Variable: "{{ Key }}", StringEquals: "" } }], Default: "y" };
    expect(whens(inputs, { Key: "k" }).slice(0, 3)).toEqual([null, null, "false"]);
    expect(whens(inputs, { Key: "" }).slice(0, 3)).toEqual([null, "false", null]);
  });

  test("may be the first thing of all, and end everything", () => {
    const inputs = { Choices: [{ NextStep: "b", Variable: "{{ Key }}", StringEquals: "go" }] };
    const only = [branch(inputs, { isEnd: true }), nap("b")];
    expect(planned(only, { parameters }, { Key: "go" }).map((step) => step.when)).toEqual([null]);
    expect(planned(only, { parameters }, { Key: "no" }).map((step) => step.when)).toEqual(["false"]);
  });

  test("is refused where a plan can't say it", () => {
    const of = (inputs: object): readonly string[] => refusals(steps(inputs), { parameters });
    const choice = { NextStep: "x", Variable: "{{ Key }}" };
    expect(of({ Choices: [{ ...choice, NumericGreater: 3 }], Default: "y" })).toContain(
      "import.run_time_choice /mainSteps/1/inputs/Choices/0/NumericGreater",
    );
    expect(of({ Choices: [{ ...choice, StringEquals: "a" }] })).toEqual(["import.run_time_choice /mainSteps/1/inputs"]);
    expect(of({ Choices: [{ ...choice, StringEquals: "a" }], Default: "look" })).toEqual(["import.cycle /mainSteps/0"]);
    expect(of({ Default: "y" })).toEqual(["import.missing_member /mainSteps/1/inputs/Choices"]);
    expect(of({ Choices: [choice], Default: "y" })).toContain("import.missing_member /mainSteps/1/inputs/Choices/0");
  });
});

describe("actions of an Automation document", () => {
  const contract = (step: Step): object | undefined => {
    const [verb] = imported([{ inputs: {}, ...step }]).verbs;
    if (verb === undefined) return undefined;
    const { name, effect, recovery, mode, timeoutMs, retry } = verb.contract;
    return { name, effect, recovery, mode, seconds: timeoutMs / 1000, tries: retry.attemptsMax };
  };

  test.each([
    ["aws:approve", "ssm.approve", "read", undefined, "human_gate"],
    ["aws:pause", "ssm.pause", "read", undefined, "human_gate"],
    ["aws:sleep", "ssm.sleep", "read", undefined, "durable"],
    ["aws:waitForAwsResourceProperty", "ssm.wait_for_aws_resource_property", "read", undefined, "sync"],
    ["aws:deleteStack", "ssm.delete_stack", "write", "idempotent", "sync"],
    ["aws:createStack", "ssm.create_stack", "write", "manual", "sync"],
    ["aws:runCommand", "ssm.run_command", "write", "manual", "sync"],
    ["aws:executeAutomation", "ssm.execute_automation", "write", "manual", "sync"],
  ])("%s is %s: %s, %s, %s", (action, name, effect, recovery, mode) => {
    expect(contract({ name: "one", action })).toEqual({ name, effect, recovery, mode, seconds: 3600, tries: 1 });
  });

  test.each([
    ["EC2", "DescribeInstances", "aws.ec2.describe_instances", "read"],
    ["sqs", "GetQueueAttributes", "aws.sqs.get_queue_attributes", "read"],
    ["sqs", "SetQueueAttributes", "aws.sqs.set_queue_attributes", "write"],
    ["eks", "CreateCluster", "aws.eks.create_cluster", "write"],
    ["iam", "Getaway", "aws.iam.getaway", "write"],
  ])("a call of %s %s is %s and a %s", (Service, Api, name, effect) => {
    expect(contract({ name: "one", action: "aws:executeAwsApi", inputs: { Service, Api } })).toMatchObject({ name, effect });
  });

  test("get a verb of their own where a step asks for tries or time of its own", () => {
    expect(contract(stop("one", { maxAttempts: 3, timeoutSeconds: 60 }))).toMatchObject({
      name: "ssm.change_instance_state_3_tries_60_s",
      seconds: 60,
      tries: 3,
    });
    const names = imported([stop("a", { maxAttempts: 3 }), stop("b", { maxAttempts: 3 }), stop("c")]).verbs.map(
      (verb) => verb.name,
    );
    expect(names).toEqual(["ssm.change_instance_state_3_tries", "ssm.change_instance_state"]);
  });

  test("hand tries and time to the handler where a parameter gives them", () => {
    const parameters = { Max: { type: "Integer" } };
    const [step] = planned([stop("one", { timeoutSeconds: "{{ Max }}" })], { parameters }, { Max: 90 });
    expect(step?.args).toMatchObject({ timeoutSeconds: 90 });
  });

  test("that need several approvers want the word of each in the decision", () => {
    const gate = { name: "g", action: "aws:approve", inputs: { Approvers: ["a", "b"], MinRequiredApprovals: 2 } };
    const [verb] = imported([gate]).verbs;
    const word = (Approver: string): object => ({ Approver, Decision: "Approve" });
    expect(verb?.name).toBe("ssm.approve_by_2");
    expect(verb?.result.safeParse({ ApproverDecisions: [word("a")] }).success).toBe(false);
    expect(verb?.result.safeParse({ ApproverDecisions: [word("a"), word("b")] }).success).toBe(true);
    expect(verb?.result.safeParse({ ApproverDecisions: [word("a"), { Approver: "b", Decision: "Reject" }] }).success).toBe(false);
  });

  test("are refused where a plan can't say them", () => {
    const action = (name: string, more: object = {}): readonly string[] => refusals([{ name: "one", action: name, ...more }]);
    expect(action("aws:loop")).toEqual(["import.loop /mainSteps/0/action"]);
    expect(action("aws:updateVariable")).toEqual(["import.loop /mainSteps/0/action"]);
    expect(action("aws:somethingNew")).toEqual(["import.unknown_construct /mainSteps/0/action"]);
    expect(action("aws:executeAwsApi", { inputs: { Service: "{{ S }}", Api: "Do" } })).toEqual([
      "import.run_time_choice /mainSteps/0/inputs",
      "import.unknown_reference /mainSteps/0/inputs/Service",
    ]);
    expect(action("aws:approve", { inputs: { MinRequiredApprovals: 0 } })).toEqual([
      "import.wrong_type /mainSteps/0/inputs/MinRequiredApprovals",
    ]);
    expect(refusals([stop("one", { maxAttempts: 0 })])).toEqual(["import.wrong_type /mainSteps/0/maxAttempts"]);
  });
});

describe("a bad Automation document", () => {
  test.each([
    ["nothing", undefined, "import.wrong_type "],
    ["null", null, "import.wrong_type "],
    ["a text", "mainSteps", "import.wrong_type "],
    ["a list", [], "import.wrong_type "],
    ["an object without a version", {}, "import.unknown_format /schemaVersion"],
    ["a document of Run Command", { schemaVersion: "2.2", mainSteps: [] }, "import.unknown_format /schemaVersion"],
    ["one without steps", { schemaVersion: "0.3" }, "import.missing_member /mainSteps"],
    ["one whose steps are an object", { schemaVersion: "0.3", mainSteps: { a: 1 } }, "import.wrong_type /mainSteps"],
    ["one whose step is a text", document(["a" as never]), "import.wrong_type /mainSteps/0"],
    ["one whose step has no name", document([{ action: "aws:sleep" } as never]), "import.missing_member /mainSteps/0/name"],
    ["one whose step has no action", document([{ name: "a" }]), "import.missing_member /mainSteps/0/action"],
    ["one with a member that is not known", document([nap("a")], { variables: {} }), "import.unknown_construct /variables"],
    ["one whose step has a member that is not known", document([nap("a", { x: 1 })]), "import.unknown_construct /mainSteps/0/x"],
  ])("is refused: %s", (_what, given, wanted) => {
    const { verbs, macros, report } = importSsmAutomation(given);
    expect(report.refusals.map(({ code, pointer }) => `${code} ${pointer}`)).toContain(wanted);
    expect([verbs, macros, report.root, report.steps]).toEqual([[], [], null, []]);
  });
});
