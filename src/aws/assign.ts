import { AssignPrivateNatGatewayAddressCommand } from '@aws-sdk/client-ec2';
import type { AddressChange, ChangeAction } from './permit.ts';

/** The addresses to assign: the same parameters go into the dry run and into the real call. */
export type AssignRequest = AddressChange;

/**
 * `AssignPrivateNatGatewayAddress`. Its answer lists the addresses as `assigning`, and need not name them (AWS CLI's
 * example), so that they are counted.
 */
export const assignment: ChangeAction<AssignRequest> = {
  send(client, { natGatewayId, privateIps }, DryRun, options, track) {
    const command = new AssignPrivateNatGatewayAddressCommand({
      NatGatewayId: natGatewayId,
      PrivateIpAddresses: [...privateIps],
      DryRun,
    });
    return client.send(track(command), options);
  },
  isComplete: (addresses, { privateIps }) =>
    addresses.length === privateIps.length &&
    addresses.every(
      ({ private_ip, status }) =>
        status === 'assigning' && (private_ip === undefined || privateIps.includes(private_ip)),
    ),
  name: 'AssignPrivateNatGatewayAddress',
  expected: 'this gateway and as many addresses assigning as were requested',
};
