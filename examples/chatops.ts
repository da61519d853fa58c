/**
 * A small bot: it shows a gateway, releases addresses of it, asks its user when the server asks for confirmation, and
 * reports the drain to its end. A chat bot would send messages where this one uses the terminal.
 *
 *   node examples/chatops.ts URL NAT_GATEWAY_ID ADDRESS...     (Node 24; NAT_TOKEN holds the token, if one is needed)
 *   node examples/chatops.ts URL approvals                     shows the changes that wait for people
 *   node examples/chatops.ts URL approve ID REASON             or reject
 *
 * Exits with 0 if the addresses were released or the decision counts, and with 1 otherwise.
 */
import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline/promises';
import {
  Client,
  type Progress,
  type ProgressCallback,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';

/** The members of results that this bot reads; the tools' output schemas list them all. */
interface Result {
  outcome?: string;
  nat_gateways?: { nat_gateway_id: string; state?: string; addresses: Address[] }[];
  addresses?: Address[];
  findings?: { severity: string; message: string }[];
  drain?: { release_by: string };
  hint?: string;
  error?: { message: string; hint: string };
  state?: string;
  approval?: Approval;
  approvals?: Approval[];
  next?: { tool: string; arguments: Record<string, unknown>; not_before?: string };
}

interface Approval {
  id: string;
  requester?: string;
  plan?: string;
  needed: number;
  decisions: { by: string; verdict: string; reason: string }[];
}

interface Address {
  private_ip?: string;
  status?: string;
  can_unassign?: boolean;
  reason?: string;
  fate?: string;
}

const [url, what, ...rest] = process.argv.slice(2);
const least = { approvals: 0, approve: 2, reject: 2 }[what ?? ''] ?? 1;
if (url === undefined || what === undefined || rest.length < least) {
  say('Usage: chatops URL NAT_GATEWAY_ID ADDRESS... | approvals | approve ID REASON | reject ID REASON');
  process.exit(2);
}

const client = new Client(
  { name: 'chatops-example', version: '1.0.0' },
  // Declares elicitation, because there is a user to ask: the server then asks before every change.
  { capabilities: { elicitation: {} }, versionNegotiation: { mode: 'auto' } },
);
client.setRequestHandler('elicitation/create', async ({ params }) => {
  say(params.message);
  const answer = await ask('Type yes to release them: ');
  return answer === 'yes' ? { action: 'accept', content: { confirm: true } } : { action: 'decline' };
});

const token = process.env.NAT_TOKEN;
const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
try {
  process.exitCode = (await run(what, rest)) ? 0 : 1;
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await client.close();
}

function run(what: string, rest: string[]): Promise<boolean> {
  if (what === 'approvals') return showApprovals();
  if (what === 'approve' || what === 'reject') return decide(what, rest);
  return release(what, rest);
}

async function showApprovals(): Promise<boolean> {
  const { approvals = [], error } = await call('list_release_approvals', {});
  for (const { id, requester, plan, needed, decisions } of approvals) {
    say(`${id}, asked for by ${requester}, ${decisions.length} of ${needed} have approved\n${plan}`);
    for (const { by, verdict, reason } of decisions) say(`  ${by}: ${verdict} (${reason})`);
  }
  return error === undefined;
}

async function decide(verdict: string, [approval_id, ...words]: string[]): Promise<boolean> {
  const reason = words.join(' ');
  const { state, error } = await call('decide_release_approval', { approval_id, verdict, reason });
  if (state !== undefined) say(`The change is ${state}.`);
  return error === undefined;
}

async function release(nat_gateway_id: string, private_ip_addresses: string[]): Promise<boolean> {
  const described = await call('describe_nat_gateway_addresses', { nat_gateway_ids: [nat_gateway_id] });
  for (const gateway of described.nat_gateways ?? []) {
    say(`${gateway.nat_gateway_id}, ${gateway.state ?? 'state unknown'}`);
    for (const { private_ip, status, can_unassign, reason } of gateway.addresses) {
      say(`  ${private_ip} ${status}${can_unassign ? '' : ` (stays: ${reason})`}`);
    }
  }
  if (described.error !== undefined) return false;

  let result = await call('unassign_private_nat_gateway_address', { nat_gateway_id, private_ip_addresses });
  say(`Outcome: ${result.outcome}`);
  if (result.outcome === 'awaiting_approval' && result.next !== undefined) {
    await ask(`Press enter once people have approved ${result.approval?.id}: `);
    result = await call(result.next.tool, result.next.arguments);
    say(`Outcome: ${result.outcome}`);
  }
  if (result.outcome !== 'unassigning' && result.outcome !== 'already_unassigning') return false;
  if (result.drain !== undefined) say(`Released by ${result.drain.release_by} at the latest.`);

  // The next call is the wait; a wait that runs out of time names the next one.
  while (result.next?.tool === 'wait_for_nat_gateway_addresses' && result.error === undefined)
    result = await call(result.next.tool, result.next.arguments, showProgress);
  const fates = result.addresses ?? [];
  for (const { private_ip, fate } of fates) say(`  ${private_ip} ${fate}`);
  return fates.length > 0 && fates.every(({ fate }) => fate === 'released');
}

/** Calls a tool, and shows its findings and its error. */
async function call(
  name: string,
  args: Record<string, unknown>,
  onprogress?: ProgressCallback,
): Promise<Result> {
  const { structuredContent, content } = await client.callTool(
    { name, arguments: args },
    // A call answers within a minute; for clients of the 2025 revisions the time that the user takes comes on top.
    { timeout: 120_000, resetTimeoutOnProgress: true, ...(onprogress === undefined ? {} : { onprogress }) },
  );
  if (structuredContent === undefined) {
    // A server that could not even make a result says so in plain text.
    for (const part of content) if (part.type === 'text') say(part.text);
    throw new Error(`${name} gave no result`);
  }
  const result = structuredContent as Result;
  for (const { severity, message } of result.findings ?? []) say(`  ${severity}: ${message}`);
  if (result.hint !== undefined) say(result.hint);
  if (result.error !== undefined) say(`${result.error.message}\n${result.error.hint}`);
  return result;
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: stdin, output: stdout });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

function showProgress({ message }: Progress): void {
  say(`  ${message}`);
}

function say(text: string): void {
  stdout.write(`${text}\n`);
}
