import { UnassignPrivateNatGatewayAddressCommand } from '@aws-sdk/client-ec2';
import type { AddressChange, ChangeAction } from './permit.ts';

/** The addresses to unassign: the same parameters go into the dry run and into the real call. */
export interface UnassignRequest extends AddressChange {
  maxDrainDurationSeconds: number;
}

/** `UnassignPrivateNatGatewayAddress`. Its answer lists the addresses as `unassigning` (AWS CLI's example). */
export const unassignment: ChangeAction<UnassignRequest> = {
  send(client, { natGatewayId, privateIps, maxDrainDurationSeconds }, DryRun, options, track) {
    const command = new UnassignPrivateNatGatewayAddressCommand({
      NatGatewayId: natGatewayId,
      PrivateIpAddresses: [...privateIps],
      MaxDrainDurationSeconds: maxDrainDurationSeconds,
      DryRun,
    });
    return client.send(track(command), options);
  },
  isComplete: (addresses, { privateIps }) =>
    privateIps.every((privateIp) =>
      addresses.some(({ private_ip, status }) => private_ip === privateIp && status === 'unassigning'),
    ),
  name: 'UnassignPrivateNatGatewayAddress',
  expected: 'this gateway and every requested address unassigning',
};
