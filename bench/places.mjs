// Looks for one address in forty places, ten accounts with a role each in four regions. In two of them EC2 refuses the
// read, so every answer has two errors.
import { isDeepStrictEqual } from 'node:util';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { Child, startEndpoint, textOf } from './child.mjs';
import { inTurn, row, timed } from './statistics.mjs';

const TARGETS = 'examples/targets.json';
const CALLS = 10;

/** The only place of the embedded endpoint that has the address, and the two that refuse. */
const ADDRESS = '10.0.1.7';
const FOUND = ['team-04 eu-west-1 nat-00430000000000001'];
const REFUSED = ['team-03 us-west-2 not_authorized', 'team-09 eu-south-1 region_not_enabled'];

export async function places({ subjects, samples }) {
  const endpoint = await startEndpoint(subjects.endpoint, { gateways: 0 });
  const take = async () => {
    const child = new Child(subjects.main, ['--targets', TARGETS], endpoint.environment);
    await child.listTools();
    const milliseconds = [];
    let answer;
    for (let index = 0; index < CALLS; index++) {
      milliseconds.push(
        await timed(async () => {
          answer = await find(child);
        }),
      );
    }
    const { peak } = child.memory();
    await child.end();
    return { first: milliseconds[0], last: milliseconds[CALLS - 1], peak, tokens: tokensOf(answer) };
  };
  const { ours } = await inTurn({ ours: take }, samples);
  endpoint.end();
  const of = (which, name, unit) => row({ name, unit, values: ours.map((sample) => sample[which]) });
  const rows = [
    of('first', 'an address in 40 places, first call', 'ms'),
    of('last', 'an address in 40 places, tenth call', 'ms'),
    of('tokens', 'an address in 40 places, answer', 'tokens'),
  ];
  if (ours[0].peak !== undefined) rows.push(of('peak', 'an address in 40 places, peak memory', 'MB'));
  return rows;
}

async function find(child) {
  const answer = await child.call('describe_nat_gateway_addresses', {
    private_ip_addresses: [ADDRESS],
    targets: ['all'],
    regions: ['all'],
  });
  const { nat_gateways, errors = [] } = answer.structuredContent;
  const found = nat_gateways.map(
    ({ target, region, nat_gateway_id }) => `${target} ${region} ${nat_gateway_id}`,
  );
  const refused = errors.map(({ target, region, code }) => `${target} ${region} ${code}`);
  if (!isDeepStrictEqual([found, refused], [FOUND, REFUSED])) throw new Error(textOf(answer));
  return answer;
}

function tokensOf(answer) {
  return encode(textOf(answer)).length;
}
