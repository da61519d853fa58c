import { assignPrivateNatGatewayAddress } from './assign.ts';
import { describeNatGateways } from './describe.ts';
import type { Element } from './envelope.ts';
import type { SimulatedNatGateway } from './nat-gateway.ts';
import type { QueryParameters } from './query.ts';
import { unassignPrivateNatGatewayAddress } from './unassign.ts';

/** The account's gateways by id. Actions replace a gateway's `addresses` and change nothing else. */
export type NatGateways = Map<string, SimulatedNatGateway>;

/** When an action runs, in milliseconds since the epoch. Writes see the state at `now`, reads at `readAt`. */
export interface Moment {
  now: number;
  readAt: number;
}

/** An action of the EC2 API. */
export interface Action {
  /** Names of its parameters, besides `Action` and `Version`. */
  accepts: RegExp;
  /**
   * Checks required parameters and the format of ids, in dry runs too.
   *
   * @throws Ec2Error
   */
  check(parameters: QueryParameters): void;
  /**
   * Runs the action. Changes nothing if it throws.
   *
   * @returns the members of the response
   * @throws Ec2Error
   */
  run(parameters: QueryParameters, gateways: NatGateways, moment: Moment): Element;
  /** Whether success changes a gateway. */
  changes: boolean;
}

/** Actions by name; any other is `InvalidAction`. */
export const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['DescribeNatGateways', describeNatGateways],
  ['AssignPrivateNatGatewayAddress', assignPrivateNatGatewayAddress],
  ['UnassignPrivateNatGatewayAddress', unassignPrivateNatGatewayAddress],
]);
