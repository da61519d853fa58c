// Reads ten thousand gateways page by page, by the tool and by the AWS SDK's paginator with pages of the same size.
import { Child, startEndpoint } from './child.mjs';
import { inTurn, row, timed } from './statistics.mjs';

const GATEWAYS = 10_000;
/** The tool's largest page; each is one page of EC2. */
const PAGE = 100;

export async function many({ subjects, samples }) {
  const endpoint = await startEndpoint(subjects.endpoint, { gateways: GATEWAYS });
  const take = (file, list) => async () => {
    const child = new Child(file, [], endpoint.environment);
    await child.listTools();
    let gateways;
    const milliseconds = await timed(async () => {
      gateways = await list(child);
    });
    if (gateways !== GATEWAYS) throw new Error(`${gateways} of ${GATEWAYS} gateways were described`);
    const { peak } = child.memory();
    await child.end();
    return { milliseconds, peak };
  };
  const { ours, counted, handedOn } = await inTurn(
    {
      ours: take(subjects.main, describeAll),
      counted: take(subjects.sdk, paginate),
      handedOn: take(subjects.sdk, handOnPages),
    },
    samples,
  );
  endpoint.end();
  const of = (name, unit, read, floorName, floors, target) =>
    row({ name, unit, values: ours.map(read), floorName, floors: floors.map(read), target });
  const name = `${GATEWAYS} gateways in pages of ${PAGE}`;
  const time = ({ milliseconds }) => milliseconds;
  const rows = [
    of(name, 'ms', time, 'SDK paginator, counting', counted, 1.3),
    of(name, 'ms', time, 'SDK, pages handed on', handedOn, 1.2),
  ];
  if (ours[0].peak !== undefined) {
    rows.push(of(`${name}, peak memory`, 'MB', ({ peak }) => peak, 'SDK paginator, counting', counted));
  }
  return rows;
}

async function describeAll(child) {
  let gateways = 0;
  let next_token;
  do {
    const { structuredContent } = await child.call('describe_nat_gateway_addresses', {
      max_results: PAGE,
      ...(next_token !== undefined && { next_token }),
    });
    gateways += structuredContent.nat_gateways.length;
    ({ next_token } = structuredContent);
  } while (next_token !== undefined);
  return gateways;
}

/** Hands each page on to this process, as the tool does and the paginator does not. */
async function handOnPages(child) {
  let gateways = 0;
  let nextToken;
  do {
    const page = await child.request('page', { maxResults: PAGE, ...(nextToken && { nextToken }) });
    gateways += page.NatGateways.length;
    nextToken = page.NextToken;
  } while (nextToken);
  return gateways;
}

async function paginate(child) {
  return (await child.request('list', { pageSize: PAGE })).gateways;
}
