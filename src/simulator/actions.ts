import { assignPrivateNatGatewayAddress } from './assign.ts';
import { describeNatGateways } from './describe.ts';
import type { Element } from './envelope.ts';
import type { SimulatedNatGateway } from './nat-gateway.ts';
import type { QueryParameters } from './query.ts';
import { unassignPrivateNatGatewayAddress } from './unassign.ts';

/** The gateways of the account, by id. An action that changes one gives it other `addresses`. */
export type NatGateways = Map<string, SimulatedNatGateway>;

/** When an action runs: writes see what is `now`, reads what was at `readAt`; milliseconds since the epoch. */
export interface Moment {
  now: number;
  readAt: number;
}

/** An action of the EC2 API. */
export interface Action {
  /** The parameters it knows, besides `Action` and `Version`. */
  accepts: RegExp;
  /**
   * What a dry run checks too: that required parameters are there, and the format of ids.
   *
   * @throws Ec2Error
   */
  check(parameters: QueryParameters): void;
  /**
   * Does it, or changes nothing and throws.
   *
   * @returns the members of the response
   * @throws Ec2Error
   */
  run(parameters: QueryParameters, gateways: NatGateways, moment: Moment): Element;
  /** Whether it changes something when it succeeds. */
  changes: boolean;
}

/** The actions this endpoint knows. */
export const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['DescribeNatGateways', describeNatGateways],
  ['AssignPrivateNatGatewayAddress', assignPrivateNatGatewayAddress],
  ['UnassignPrivateNatGatewayAddress', unassignPrivateNatGatewayAddress],
]);
