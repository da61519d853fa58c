import type { Ec2 } from '../../src/aws/ec2.ts';
import type { NatGateway } from '../../src/nat-gateway/gateway.ts';

/**
 * A model of EC2 in virtual time, as a judge of what this server concludes: the truth about a gateway, and reads that
 * lag behind it and leave things out.
 */

/** A source of numbers from 0 to 1 that is the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Flaws {
  /** How late a read may be, in seconds; each read is late by a random part of it. */
  maxLag: number;
  /** How likely a read leaves out each address, the primary included; it leaves out the gateway a third as often. */
  omission: number;
}

/** When the addresses were unassigned, in seconds, if they were, and how long they drain. */
export interface Truth {
  unassignedAt: number | undefined;
  drainSeconds: number;
}

export const PRIVATE_IPS = ['10.0.1.11', '10.0.1.12'];

/** The status of the unassigned addresses at `time` in seconds; `undefined` once they are released. */
export function statusAt({ unassignedAt, drainSeconds }: Truth, time: number): string | undefined {
  if (unassignedAt === undefined || time < unassignedAt) return 'succeeded';
  return time < unassignedAt + drainSeconds ? 'unassigning' : undefined;
}

/** What a read at `time` shows. */
export function readAt(
  time: number,
  truth: Truth,
  flaws: Flaws,
  random: () => number,
): NatGateway | undefined {
  const { maxLag, omission } = flaws;
  const status = statusAt(truth, time - random() * maxLag);
  if (random() < omission / 3) return undefined;
  const draining = status === undefined ? [] : PRIVATE_IPS.map((private_ip) => ({ private_ip, status }));
  const others = [
    { private_ip: '10.0.1.10', is_primary: true, status: 'succeeded' },
    { private_ip: '10.0.1.13', is_primary: false, status: 'succeeded' },
  ];
  return {
    nat_gateway_id: 'nat-0123456789abcdef0',
    state: 'available',
    connectivity_type: 'private',
    addresses: [...others, ...draining].filter(() => random() >= omission),
  };
}

/** The polls of a wait in virtual time: 5 s apart, or 0.6 s while the waiter asks for it, as the product's are. */
export function pollsOf(
  read: (time: number) => NatGateway | undefined,
  from: number,
  seconds: number,
  tick: (time: number) => void,
): Pick<Ec2, 'watch' | 'region'> {
  return {
    region: async () => 'us-east-1',
    async *watch(_region, _natGatewayId, _signal, pace) {
      for (let time = from + 1; time < from + seconds; time += pace.isUrgent ? 0.6 : 5) {
        tick(time);
        yield { gateway: read(time) };
      }
      tick(from + seconds);
    },
  };
}
