import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evidence, Range } from '../../src/nat-gateway/evidence.ts';
import { evidenceLine } from '../../src/nat-gateway/evidence-text.ts';
import { NOTHING_READ } from '../../src/nat-gateway/judge-evidence.ts';

/** Nothing is known of the sources that a case leaves out. */
const of = (known: Partial<Evidence>) => evidenceLine({ ...NOTHING_READ, ...known });

const QUIET: Evidence = {
  traffic: { status: 'found', hours_with_data: 168, peak_connections: 4200, port_allocation_errors: 0 },
  routes: { status: 'none' },
  security_groups: { status: 'none' },
  prefix_lists: { status: 'none' },
};

const range: Range = { id: 'sg-1', private_ip: '10.0.1.13', cidr: '10.0.1.13/32' };

describe('the line of evidence', () => {
  it.each<[string, Partial<Evidence>, string]>([
    [
      'everything that is quiet',
      {},
      'Evidence: in seven days at most 4,200 TCP connections at once and 0 port allocation errors; no route table points to it.',
    ],
    [
      'one port error and routes',
      {
        traffic: { status: 'found', peak_connections: 61_000, port_allocation_errors: 1 },
        routes: { status: 'found', route_table_ids: ['rtb-1'], subnet_ids: ['subnet-1', 'subnet-2'] },
      },
      'Evidence: in seven days at most 61,000 TCP connections at once and 1 port allocation error; routed from 1 route table (2 subnets).',
    ],
    [
      'a part of traffic and of routes',
      {
        traffic: { status: 'found', incomplete: true, peak_connections: 61_000, port_allocation_errors: 2 },
        routes: { status: 'found', incomplete: true, route_table_ids: ['rtb-1', 'rtb-2'], subnet_ids: [] },
      },
      'Evidence: in seven days at least 61,000 TCP connections at once and at least 2 port allocation errors; routed from 2 route tables. Not known: traffic (only a part was read), routes (only a part was read).',
    ],
    [
      'a part of routes with subnets',
      {
        routes: {
          status: 'found',
          incomplete: true,
          route_table_ids: ['rtb-1'],
          subnet_ids: ['subnet-1'],
        },
      },
      'Evidence: in seven days at most 4,200 TCP connections at once and 0 port allocation errors; routed from 1 route table (1 subnet). Not known: routes (only a part was read).',
    ],
    [
      'a part of traffic that is all zero',
      {
        traffic: { status: 'found', incomplete: true, peak_connections: 0, port_allocation_errors: 0 },
      },
      'Evidence: no route table points to it. Not known: traffic (only a part was read).',
    ],
    [
      'routes that no subnet uses',
      { routes: { status: 'found', route_table_ids: ['rtb-1'], subnet_ids: [] } },
      'Evidence: in seven days at most 4,200 TCP connections at once and 0 port allocation errors; routed from 1 route table (0 subnets).',
    ],
    [
      'ranges',
      {
        security_groups: { status: 'found', ranges: [range], more: 2 },
        prefix_lists: { status: 'found', ranges: [range] },
      },
      'Evidence: in seven days at most 4,200 TCP connections at once and 0 port allocation errors; no route table points to it; 3 security group ranges cover these and not all that remain; 1 prefix list entry covers these and not all that remain.',
    ],
    [
      'ranges that make no difference',
      { security_groups: { status: 'found', ranges: [], covering_the_rest: 1 } },
      'Evidence: in seven days at most 4,200 TCP connections at once and 0 port allocation errors; no route table points to it.',
    ],
  ])('tells %s', (_, read, line) => {
    expect(evidenceLine({ ...QUIET, ...read })).toBe(line);
  });

  it('tells several entries of prefix lists, and only one metric', () => {
    const prefix_lists = { status: 'found' as const, ranges: [range, range] };
    const traffic = { status: 'found' as const, port_allocation_errors: 1200 };
    expect(evidenceLine({ ...QUIET, prefix_lists, traffic })).toBe(
      'Evidence: in seven days 1,200 port allocation errors; no route table points to it; 2 prefix list entries cover these and not all that remain. Not known: traffic (no data of ActiveConnectionCount).',
    );
  });

  it('tells a route table whose subnets were not read', () => {
    const routes = { status: 'found' as const, incomplete: true as const, route_table_ids: ['rtb-1'] };
    expect(of({ routes })).toMatch(/^Evidence: routed from 1 route table\. Not known: /);
  });

  it('says only what is not known where nothing is', () => {
    expect(of({})).toBe(
      'Not known: traffic (no data), routes (no data), security groups that name an address (no data), prefix lists that name an address (no data).',
    );
  });

  it('has no number and no route where a source failed, whichever way', () => {
    const failed = fc.oneof(
      fc.constant({ status: 'timed_out' as const }),
      fc.constant({ status: 'denied' as const, action: 'ec2:DescribeSubnets' }),
      fc.constant({ status: 'no_data' as const, incomplete: true as const }),
      fc.constant({ status: 'no_data' as const, error: 'bad_response' as const }),
    );
    fc.assert(
      fc.property(fc.tuple(failed, failed, failed, failed), ([traffic, routes, security_groups, lists]) => {
        const line = evidenceLine({ traffic, routes, security_groups, prefix_lists: lists });
        expect(line).toMatch(/^Not known: traffic/);
        expect(line).not.toMatch(/\d connection|no route|routed| errors|cover/);
      }),
    );
  });
});
