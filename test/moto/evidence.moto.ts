import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { EvidenceQuestion } from '../../src/aws/evidence/look-up.ts';
import type { Evidence, Names } from '../../src/nat-gateway/evidence.ts';
import { connect, neverAborted, REGION } from '../support/ec2-stub.ts';

/**
 * Compares the evidence that the server reads with what boto3 reads at the same endpoint, unfiltered, and Python's own
 * arithmetic makes of it. By hand; see CONTRIBUTING.md.
 */

const url = process.env.EVIDENCE_ENDPOINT ?? 'http://127.0.0.1:5000';

type Expected = (EvidenceQuestion & { evidence: Evidence })[];

async function python(command: 'seed' | 'expect'): Promise<string> {
  const script = fileURLToPath(new URL('evidence.py', import.meta.url));
  return (await promisify(execFile)('python3', [script, command, url])).stdout;
}

/** In the order that the Python program has. */
function sorted(evidence: Evidence | undefined): object {
  const names = ({ ranges, ...rest }: Names) => ({
    ...rest,
    ...(ranges === undefined ? {} : { ranges: ranges.map((each) => JSON.stringify(each)).sort() }),
  });
  if (evidence === undefined) return {};
  const { traffic, routes, security_groups, prefix_lists } = evidence;
  const { route_table_ids, subnet_ids } = routes;
  return {
    traffic,
    routes: { ...routes, route_table_ids: route_table_ids?.toSorted(), subnet_ids: subnet_ids?.toSorted() },
    security_groups: names(security_groups),
    prefix_lists: names(prefix_lists),
  };
}

describe(`the evidence at ${url}`, () => {
  it('is what boto3 finds', async ({ onTestFinished }) => {
    // The embedded endpoint has an inventory of its own.
    const isMoto = (await fetch(`${url}/moto-api/`)).ok;
    if (isMoto) await python('seed');
    const expected = JSON.parse(await python('expect')) as Expected;
    const { ec2 } = connect(onTestFinished, { endpoint: url });
    const asked = expected.slice(0, 10);
    const found = await ec2.evidence(REGION, asked, neverAborted);
    for (const { natGatewayId, evidence } of asked) {
      expect.soft(sorted(found.get(natGatewayId)), natGatewayId).toEqual(sorted(evidence));
    }
    const statuses = asked.flatMap(({ evidence }) => Object.values(evidence).map(({ status }) => status));
    expect(new Set(statuses)).toEqual(new Set(['found', 'none', 'no_data']));
  });
});
