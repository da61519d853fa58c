import type { Element } from './envelope.ts';
import type { SimulatedNatGateway } from './nat-gateway.ts';
import type { QueryParameters } from './query.ts';

/** The account's gateways by id. Actions replace a gateway's `addresses` and change nothing else. */
export type NatGateways = Map<string, SimulatedNatGateway>;

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
   * @param now simulated time in milliseconds since the epoch
   * @returns the members of the response
   * @throws Ec2Error
   */
  run(parameters: QueryParameters, gateways: NatGateways, now: number): Element;
  /** Whether success changes a gateway. */
  changes: boolean;
}
