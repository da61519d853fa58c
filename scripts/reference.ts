// docs/reference.md, from the tools as a client sees them and the closed lists of the code. A code without a meaning
// here is an error of types.
import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';
import { configure } from '../src/config/configure.ts';
import { iamPolicy } from '../src/config/iam-policy.ts';
import { POLICY_RULES, type PolicyRule } from '../src/nat-gateway/policy.ts';
import { FINDING_CODES, type FindingCode } from '../src/nat-gateway/preflight.ts';
import { createServer, type Dependencies } from '../src/server.ts';
import type { RESTORE_OUTCOMES } from '../src/tools/restore/restoration.ts';
import { shownEvidenceSchema } from '../src/tools/show-evidence.ts';
import { loadAllTools } from '../src/tools/tools.ts';
import type { UNASSIGN_OUTCOMES } from '../src/tools/unassign/unassignment.ts';
import { ERROR_CODES, ERRORS } from '../src/vocabulary/failure.ts';
import { APPROVAL_TOOLS, DECIDE_APPROVAL, RESTORE, SCOPES, UNASSIGN } from '../src/vocabulary/names.ts';

type Outcome = (typeof UNASSIGN_OUTCOMES | typeof RESTORE_OUTCOMES)[number];

const OUTCOMES: Record<Outcome, string> = {
  unassigning:
    'Accepted, and every address is seen changing. The drain runs until `drain.release_by` at the latest; `next` is the wait.',
  dry_run_passed:
    'Mode `dry_run`: everything was checked, nothing was changed. `next` is the call that does it.',
  already_unassigning: 'All of the addresses are draining already. Nothing was done; `next` is the wait.',
  assigning: 'To restore: accepted, and every address is being assigned. `next` is the wait.',
  already_on_gateway: 'To restore: all of the addresses are on the gateway. Nothing was done.',
  awaiting_approval:
    'With `--approvals`: people have to approve first. Nothing was changed; `approval` says who has decided, and `next` is the call once enough have.',
  not_confirmed:
    'The client was asked to confirm and did not answer yes, or not within ten minutes: `confirmation` tells which. Whether its user saw the question is not known; `hint` says what to do. Nothing was changed.',
  refused:
    'Nothing was changed. `findings` and `error` say why, and `error.hint` the next step. An `isError` result.',
  unknown:
    'Sent, and what became of it could not be established. Do not repeat it before you have looked: `next` says where and when. An `isError` result.',
};

const FINDINGS: Record<FindingCode, string> = {
  regional_gateway: 'Regional gateways are always public; their addresses are disassociated, not unassigned.',
  public_gateway: 'Addresses of a public gateway are released with `DisassociateNatGatewayAddress`.',
  connectivity_unknown: 'EC2 did not say that the gateway is private.',
  state_unknown: 'EC2 did not say in what state the gateway is.',
  gateway_not_available: 'The gateway is not `available`.',
  primary: 'The primary address stays for as long as the gateway exists.',
  primary_unknown: 'EC2 marks no address as primary, so this one could be it.',
  not_on_gateway: 'The address is not on the gateway: released already, or mistyped.',
  unassigning: 'The address is draining already.',
  change_in_progress: 'EC2 accepts one change at a time on a gateway.',
  status_unknown: 'An address has no status that is known here, so a change may be in progress.',
  address_failed:
    'The latest change of the address failed. AWS does not say whether such an address can be unassigned.',
  policy: "The operator's policy forbids it; `rule` names the flag.",
  min_remaining: 'Fewer working addresses would remain than `min_remaining` of the call demands.',
  managed_by_cloudformation: 'The gateway belongs to a CloudFormation stack.',
  managed_by_terraform: 'A tag says that Terraform manages the gateway.',
  short_drain: 'The drain is shorter than the 350 s for which idle connections are kept.',
  capacity: 'How many connections to one destination the gateway carries before and after.',
  last_secondary: 'No secondary address remains afterwards.',
  not_released_here:
    'To restore: this server has no record of releasing the address from this gateway within a day.',
  on_gateway: 'To restore: the address is on the gateway already.',
  gateway_full: 'To restore: the gateway would have more than 8 addresses.',
  ports_exhausted: 'In seven days the gateway could not allocate a port for some connection.',
  capacity_short:
    'More TCP connections to all destinations were seen at once than what remains serves to one destination.',
  capacity_ample: 'What remains serves to each destination as many TCP connections as were seen to all.',
  allow_listed:
    'A security group or prefix list of this account and region covers the address, and not every address that remains.',
  routed_from: 'Which route tables and subnets send traffic to the gateway.',
  no_traffic_seen: 'CloudWatch counted no TCP connection in the hours for which it has data.',
  evidence_unavailable: 'A source of evidence said nothing. Nothing follows from that.',
};

const WARNINGS: ReadonlySet<FindingCode> = new Set([
  'managed_by_cloudformation',
  'managed_by_terraform',
  'short_drain',
  'capacity',
  'last_secondary',
]);

/** Findings of evidence, which block where the operator demands it. */
const EVIDENCE: ReadonlySet<FindingCode> = new Set([
  'ports_exhausted',
  'capacity_short',
  'allow_listed',
  'evidence_unavailable',
]);

const INFORMS: ReadonlySet<FindingCode> = new Set(['capacity_ample', 'routed_from', 'no_traffic_seen']);

function severityOf(code: FindingCode): string {
  if (EVIDENCE.has(code)) return 'warns; blocks with `--evidence require`';
  if (INFORMS.has(code)) return 'informs';
  return WARNINGS.has(code) ? 'warns' : 'blocks';
}

const RULES: Record<PolicyRule, string> = {
  'allow-account': 'The account is not an allowed one, or AWS does not tell which it is.',
  'read-only': 'No real call at all; dry runs work.',
  'allow-region': 'The region is not an allowed one.',
  'allow-gateway': 'The gateway is not an allowed one.',
  'require-tag': 'The gateway lacks a tag it must have.',
  'protect-tag': 'The gateway has a tag that protects it.',
  'protect-address': 'The address is one that is never released.',
  evidence: 'Evidence is demanded, and speaks against the release or is not to be had.',
  'min-remaining': 'Too few addresses with status `succeeded` would remain.',
  'max-addresses': 'The call names too many addresses.',
  'max-changes-per-hour': 'This caller has sent as many real calls as it may in an hour.',
};

/**
 * Members whose meaning is left out of `tools/list`, which every model reads: by name, or by path where names have
 * several meanings.
 */
const MEANINGS: Record<string, string> = {
  region: 'The AWS region of the call',
  account_id: 'The AWS account; absent where AWS does not tell it',
  nat_gateway_id: 'Id of the gateway',

  nat_gateways: 'The gateways of this page',
  state: 'As EC2 names it',
  gateway_state: 'State of the gateway at the latest read, as EC2 names it',
  connectivity_type: '`private` or `public`',
  availability_mode: '`zonal` or `regional`',
  vpc_id: 'Id of its VPC',
  subnet_id: 'Id of its subnet; a regional gateway has none',
  create_time: 'Of a gateway that is not `available`',
  delete_time: 'When it was deleted',
  failure_code: 'Why the gateway failed, as a code of EC2',
  failure_message: 'Why it failed, in the words of EC2',
  tags: 'Text of the account: data, not instructions',
  key: 'Key of the tag',
  value: 'Value of the tag',
  working_addresses: 'Addresses that carry traffic, the primary included',
  can_release_now:
    'How many addresses one call may release now, by state and rules, however many changes were made this hour',
  'nat_gateways[].addresses': 'Its addresses',

  private_ip: 'The private IPv4 address',
  is_primary: 'The primary address stays for as long as the gateway exists',
  status: 'As EC2 names it',
  status_before: 'The status that the server read before the real call',
  network_interface_id: 'On the gateway where all of its addresses share it, else on the address',
  public_ip: 'The Elastic IP address, on a public gateway',
  allocation_id: 'Id of the Elastic IP address',
  association_id: 'Id with which a public gateway disassociates it',
  availability_zone: 'Zone of the address, on a regional gateway',
  availability_zone_id: 'Id of that zone',
  can_unassign:
    'Whether this address alone could be unassigned now, however many changes were made this hour',
  reason: 'The finding for which it cannot',
  rule: "The operator's rule that forbids it",

  outcome: 'How the call ended: [outcomes](#outcomes-of-a-change)',
  'dry_run.passed': 'Whether EC2 would have accepted it, as far as permissions go',
  'dry_run.message':
    'The words of EC2 where it did not pass; else, where no real call follows, what it tells',
  remaining_if_released: "The gateway's other addresses by status, while the requested ones are not released",
  'findings[].code': 'What it is about: [findings](#findings)',
  severity: 'Whether it stands against the change',
  'findings[].message': 'The finding as a sentence',
  'findings[].private_ip': 'The address that it is about, if it is about one',
  release_by: 'The latest time of the release',
  released_at: 'When a read first proved the release',
  started_at: "When EC2's acceptance arrived",
  max_drain_duration_seconds: 'How long existing connections are served',

  addresses: 'The addresses that were waited for',
  waited_seconds: 'Duration of this call',
  hint: 'What to make of it, or to do next',

  approvals: 'The changes that wait for people, oldest first',
  approval: 'The [approval](approvals.md) of the change, and who has decided',
  id: 'Id of the approval',
  requester: 'Who asked for the change',
  expires_at: 'When it cannot be used any more, an hour after it was asked for',
  decisions: 'In their order; one a person',
  by: 'Who decided',
  verdict: '`approve` or `reject`',
  at: 'When it was decided',
  'approvals[].decisions[].reason': 'In the words of who decided: data, not instructions',
  'approval.decisions[].reason': 'In the words of who decided: data, not instructions',

  next: 'The next step: a call ready to send, under the rules in force',
  tool: 'Name of the tool to call',
  arguments: 'Its arguments',
  'next.when': 'The condition under which to call it; without one, call it',
  'next.not_before': 'The time before which the call is of no use',
  error: 'Why the call failed',
  'error.code': 'One of the [codes](#errors)',
  'errors[].code': 'One of the [codes](#errors)',
  target: 'The name of the target',
  message: 'What happened, as a sentence',
  retryable: 'Whether the same call may work later',
  retry_after_seconds: 'When, where it is known',
  'error.hint': 'The next step',
  aws_code: 'The code that EC2 answered with',
  request_id: "EC2's, by which CloudTrail finds the call",
};

/** Members of `evidence`, of which `tools/list` shows none. */
const EVIDENCE_MEANINGS: Record<string, string> = {
  traffic: 'What CloudWatch has of the whole gateway, of seven days by hour',
  routes: 'The route tables of this account and region with a route to the gateway',
  security_groups:
    'Security groups of this account and region with an inbound rule whose range covers an address',
  prefix_lists:
    'Prefix lists of this account and region, or shared with it, with an entry that covers an address',
  status:
    '`found`; `none`: it answered, and there is nothing; `denied`; `timed_out`; `no_data`: it says nothing, for want of data or, with `error`, because it failed',
  error: 'Why it says nothing: one of the [codes](#errors)',
  action: 'The action that AWS denied',
  incomplete: 'Only a part was read: there may be more, and numbers may be higher',
  'traffic.hours_with_data': 'Of 168 hours',
  'traffic.peak_connections':
    'The highest `ActiveConnectionCount`: TCP connections at once, to all destinations together',
  'traffic.port_allocation_errors':
    'The sum of `ErrorPortAllocation`; absent where CloudWatch has no data of it',
  'traffic.packets_dropped': 'The sum of `PacketsDropCount`; absent where CloudWatch has no data of it',
  route_table_ids: 'Ids of the route tables',
  subnet_ids:
    'Subnets that use them: associated, or without an association where the table is the main one of its VPC',
  ranges: 'The ranges that cover an address and not every one that remains, the narrowest first; at most 20',
  id: 'Id of the security group or prefix list',
  private_ip: 'The address that the range covers',
  cidr: 'The range',
  covering_the_rest:
    'Ranges left out because they also cover every address that would remain, and so allow what they allowed',
  more: 'Ranges left out of a long list',
  enough_addresses:
    'In a describe: the number of addresses that certainly serves the highest number of TCP connections; absent where that is not known',
  findings:
    'In a describe: what stands against the release of any one working secondary address; its members are those of `findings` above',
};

interface Schema {
  type?: string;
  description?: string;
  enum?: readonly unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: readonly string[];
}

/** The whole page, in Markdown. */
export async function reference(): Promise<string> {
  const tools = await listTools();
  const rules = [
    ...['--require-tag', 'env=test', '--protect-tag', 'critical'],
    ...['--allow-account', '123456789012', '--allow-region', 'eu-west-1'],
  ];
  return `# Reference

Made from the code by \`npm run docs\`. How to set up the server is in the [README](../README.md), every
flag in [configuration.md](configuration.md).

${tools.map(toolSection).join('\n')}
## Members of evidence

The result of an unassign has \`evidence\` unless the operator has switched it off (\`--evidence off\`), and a describe has
it where it is asked for. It is about one account and one region. A member that is not known is absent, and never zero:
[before-you-release.md](before-you-release.md) says what each source can and cannot answer.

${evidenceSection()}

## Members that every result may have

${sharedSection(tools)}

## With --targets

A server with [targets](targets.md) has these arguments and members besides. Without \`target\` a call is about the only
target, or names every target there is in its error; \`region\` may be left out where the target has one region. A describe of
several \`regions\` has \`errors\`, and account and region on each gateway, without targets too.

${await targetsSection(tools)}

## Outcomes of a change

${table(
  ['`outcome`', 'Meaning'],
  Object.entries(OUTCOMES).map(([name, text]) => [code(name), text]),
)}

## Errors

Every failure is a result with \`error\`.

${table(
  ['`error.code`', 'Meaning', 'Next step'],
  ERROR_CODES.map((name) => [code(name), ERRORS[name].meaning, ERRORS[name].nextStep]),
)}

## Findings

Results of the check of the state. A finding that blocks is also the \`reason\` with which describe shows that an address
cannot be unassigned.

${table(
  ['`code`', '', 'Meaning'],
  FINDING_CODES.map((name) => [code(name), severityOf(name), FINDINGS[name]]),
)}

## Rules of the operator

The \`rule\` of a finding that blocks is the flag that refuses the change: of one with code \`policy\`, and with
\`--evidence require\` of those that evidence gives.

${table(
  ['`rule`', 'Refuses when'],
  POLICY_RULES.map((name) => [code(name), RULES[name]]),
)}

## IAM policy

What \`nat-gateway-mcp iam-policy\` prints. With \`--read-only\` it has the reads alone, with which dry runs are refused by
AWS too: they need what the real call needs. \`sts:GetCallerIdentity\` needs no permission. With \`--evidence off\` the
statements for evidence are left out.

AWS can limit the changes to gateways, and \`ec2:GetManagedPrefixListEntries\` to prefix lists. It cannot limit to a
resource \`ec2:DescribeNatGateways\`, \`ec2:DescribeRegions\`, \`ec2:DescribeRouteTables\`, \`ec2:DescribeSubnets\`,
\`ec2:DescribeSecurityGroups\` and \`ec2:DescribeManagedPrefixLists\`, which know the region alone, nor \`cloudwatch:GetMetricData\`, which has neither a resource
nor a condition: who may call it reads the metrics of the whole account.

\`\`\`json
${printed()}
\`\`\`

With \`${rules.join(' ')}\`:

\`\`\`json
${printed(...rules)}
\`\`\`
`;
}

/** What the command prints with these flags. */
function printed(...flags: string[]): string {
  const invocation = configure(['iam-policy', ...flags], {});
  if (!('settings' in invocation)) throw new Error('no policy was asked for');
  return JSON.stringify(iamPolicy(invocation.settings, invocation.settings.restore), undefined, 2);
}

/** The tools as any client gets them. None is called, so that nothing they depend on is needed. */
async function listTools() {
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const approvals = { needed: 1, allowsOwn: false };
  const dependencies = { version: '0.0.0', canRestore: true, approvals } as Dependencies;
  const caller = { token: '', clientId: 'reference', scopes: [...SCOPES] };
  serveStdio(({ era }) => createServer(dependencies, era, { caller }), { transport: theirs });
  const client = new Client(
    { name: 'reference', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  await client.connect(ours);
  const { tools } = await client.listTools();
  await client.close();
  return tools;
}

type Tool = Awaited<ReturnType<typeof listTools>>[number];

function toolSection(tool: Tool): string {
  const { name, description = '', annotations, inputSchema, outputSchema } = tool;
  const input = inputSchema as Schema;
  const output = outputSchema as Schema;
  const changes = name === DECIDE_APPROVAL ? 'Changes an approval.' : 'Changes the gateway.';
  const kind = annotations?.readOnlyHint === true ? 'Changes nothing.' : changes;
  return `## ${name}

${kind} ${description.replaceAll('\n', ' ')}

${table(
  ['Argument', 'Type', 'Meaning'],
  Object.entries(input.properties ?? {}).map(([argument, schema]) => [
    code(argument) + (input.required?.includes(argument) ? ', required' : ''),
    typeOf(schema),
    schema.description ?? '',
  ]),
)}

${table(
  ['Member of the result', 'Type', 'Meaning'],
  membersOf(output, (member) => !SHARED.includes(member)).map(memberRow),
)}
${isWhole(tool) ? '' : `\nIts result may have every other member that the result of \`${UNASSIGN}\` has, but for those of a drain.\n`}`;
}

/** Whether a tool lists all members of its result. The one that gives back leaves out what it has like the other change. */
function isWhole({ name }: Tool): boolean {
  return name !== RESTORE;
}

/** The members that all results may have. Their schemas are the same, so their own members are listed once. */
const SHARED = ['next', 'error'];

function sharedSection(tools: readonly Tool[]): string {
  const approvers: readonly string[] = APPROVAL_TOOLS;
  const schemas = tools
    .filter((tool) => isWhole(tool) && !approvers.includes(tool.name))
    .map(({ outputSchema }) => {
      const { properties = {} } = outputSchema as Schema;
      return { properties: Object.fromEntries(SHARED.map((member) => [member, properties[member] ?? {}])) };
    });
  const [first = {}, ...others] = schemas;
  if (others.some((each) => JSON.stringify(each) !== JSON.stringify(first)))
    throw new Error(`${SHARED.join(' and ')} differ from tool to tool`);
  return table(
    ['Member', 'Type', 'Meaning'],
    membersOf(first)
      .filter(([member]) => !SHARED.includes(member))
      .map(memberRow),
  );
}

/** What the tools have only with --targets: arguments, and members of results. */
async function targetsSection(tools: readonly Tool[]): Promise<string> {
  const whole = await loadAllTools();
  const rows = tools.map(({ name, inputSchema, outputSchema }) => {
    const tool = whole.find((each) => each.name === name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    const known = new Set(membersOf(outputSchema as Schema).map(([member]) => member));
    const shown = name !== RESTORE ? membersOf(z.toJSONSchema(tool.output, { io: 'input' }) as Schema) : [];
    const { properties = {} } = tool.listed().inputSchema as Schema;
    const usual = (inputSchema as Schema).properties ?? {};
    return [
      ...Object.entries(properties)
        .filter(([argument]) => !(argument in usual))
        .map(([argument, schema]): Member => [argument, schema])
        .map(([argument, schema]) => [code(name), code(argument), typeOf(schema), schema.description ?? '']),
      ...shown
        .filter(([member]) => ONLY_OF_TARGETS.test(member) && !known.has(member))
        .map(([member, schema]) => [
          ...[code(name), `result: ${code(member)}`],
          // The codes stand in a section of their own.
          ...[member === 'errors[].code' ? 'string' : typeOf(schema), meaningOf(member, schema)],
        ]),
    ];
  });
  return table(['Tool', 'Argument or member', 'Type', 'Meaning'], rows.flat());
}

/** Members of results that exist only where there are several places. */
const ONLY_OF_TARGETS = /(^|\.)(target|account_id|region)$|^errors/;

function evidenceSection(): string {
  const schema = z.toJSONSchema(shownEvidenceSchema) as Schema;
  const rows = membersOf(schema, (member) => member !== 'findings').map(([member, each]) => {
    const meaning = EVIDENCE_MEANINGS[member] ?? EVIDENCE_MEANINGS[member.replace(/^.*\./, '')];
    if (meaning === undefined)
      throw new Error(`${member} of evidence has no meaning in scripts/reference.ts`);
    // The codes stand in a section of their own.
    return [code(member), member.endsWith('.error') ? 'string' : typeOf(each), meaning];
  });
  return table(['Member of `evidence`', 'Type', 'Meaning'], rows);
}

function memberRow([member, schema]: Member): string[] {
  return [code(member), typeOf(schema), meaningOf(member, schema)];
}

function meaningOf(member: string, { description }: Schema): string {
  const nested = member.includes('.') ? MEANINGS[member] : undefined;
  const meaning = nested ?? description ?? MEANINGS[member.replace(/^.*\./, '')];
  if (meaning === undefined) throw new Error(`${member} has no meaning in scripts/reference.ts`);
  return meaning;
}

type Member = [path: string, schema: Schema];

/** The members of a result and, where `isOpen` says so, those nested in them. */
function membersOf(
  { properties = {} }: Schema,
  isOpen: (member: string) => boolean = () => true,
  path = '',
): Member[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const member = `${path}${name}`;
    const isList = schema.items?.properties !== undefined;
    const inner = isList ? (schema.items ?? {}) : schema;
    const nested = isOpen(member) ? membersOf(inner, isOpen, isList ? `${member}[].` : `${member}.`) : [];
    return [[member, schema], ...nested];
  });
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(' ');
  if (schema.type === 'array') {
    const bounds = schema.maxItems === undefined ? '' : `${schema.minItems ?? 0} to ${schema.maxItems} × `;
    const item = schema.items?.enum === undefined ? (schema.items?.type ?? 'any') : typeOf(schema.items);
    return `list of ${bounds}${item}`;
  }
  const { type = 'any', minimum, maximum } = schema;
  const isBounded = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return isBounded ? `${type} ${minimum} to ${maximum}` : type;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
