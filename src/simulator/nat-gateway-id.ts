import { missingParameter, natGatewayMalformed } from './errors.ts';
import type { QueryParameters } from './query.ts';

/**
 * Returns the `NatGatewayId` of a request.
 *
 * @throws Ec2Error `MissingParameter` or `NatGatewayMalformed`
 */
export function requiredNatGatewayId({ NatGatewayId }: QueryParameters): string {
  if (NatGatewayId === undefined || NatGatewayId === '') throw missingParameter('NatGatewayId');
  checkNatGatewayId(NatGatewayId);
  return NatGatewayId;
}

/** @throws Ec2Error `NatGatewayMalformed` unless it is `nat-` and 8 or 17 hexadecimal digits */
export function checkNatGatewayId(id: string): void {
  if (!/^nat-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) throw natGatewayMalformed(id);
}
