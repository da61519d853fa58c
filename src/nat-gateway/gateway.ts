import * as z from 'zod';

/**
 * NAT gateways as this server sees them: EC2's members under their own names in snake_case, listed once for reading,
 * deciding and answering.
 *
 * Every member is optional because every member is optional in EC2's model, and enumerations are plain strings
 * because an unknown value must pass through. A member that EC2 left out stays absent.
 */

const text = z.string().optional();

/** One private IPv4 address of a gateway (EC2's `NatGatewayAddress`). */
export const addressSchema = z.object({
  private_ip: text,
  is_primary: z.boolean().optional(),
  /** `assigning` `unassigning` `associating` `disassociating` `succeeded` `failed`, or a value newer than this code. */
  status: text,
  failure_message: text,
  network_interface_id: text,
  public_ip: text,
  allocation_id: text,
  association_id: text,
  availability_zone: text,
  availability_zone_id: text,
});

export type NatGatewayAddress = z.infer<typeof addressSchema>;

/** A gateway with its addresses (EC2's `NatGateway`). */
export const gatewaySchema = z.object({
  nat_gateway_id: text,
  /** `pending` `failed` `available` `deleting` `deleted`, or a value newer than this code. */
  state: text,
  connectivity_type: text,
  availability_mode: text,
  vpc_id: text,
  subnet_id: text,
  create_time: text,
  delete_time: text,
  failure_code: text,
  failure_message: text,
  tags: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
  addresses: z.array(addressSchema),
});

export type NatGateway = z.infer<typeof gatewaySchema>;

/** The statuses of an address while EC2 is changing it. */
const CHANGING: ReadonlySet<string> = new Set(['assigning', 'unassigning', 'associating', 'disassociating']);

/** Whether EC2 is changing this address now; while it is, EC2 accepts no other assign or unassign on the gateway. */
export function isChanging({ status }: NatGatewayAddress): boolean {
  return status !== undefined && CHANGING.has(status);
}

/** The private IPs of addresses, as far as EC2 tells them. */
export function privateIpsOf(addresses: readonly NatGatewayAddress[]): string[] {
  return addresses.flatMap(({ private_ip }) => private_ip ?? []);
}

/** The private IPs of a gateway that are changing now. */
export function changingAddresses({ addresses }: NatGateway): string[] {
  return privateIpsOf(addresses.filter(isChanging));
}

/** The states of a gateway in which none of its addresses carries traffic. Source: VPC User Guide, "NAT gateway states". */
const WITHOUT_TRAFFIC: ReadonlySet<string | undefined> = new Set(['pending', 'failed', 'deleted']);

/** The addresses that carry traffic while their gateway does, the primary included. */
export function workingAddresses({ addresses }: NatGateway): NatGatewayAddress[] {
  return addresses.filter(({ status }) => status === 'succeeded');
}

/** How many addresses carry traffic now. */
export function countWorking(gateway: NatGateway): number {
  return WITHOUT_TRAFFIC.has(gateway.state) ? 0 : workingAddresses(gateway).length;
}

/** The gateway's address with this private IP. */
export function addressOf({ addresses }: NatGateway, privateIp: string): NatGatewayAddress | undefined {
  return addresses.find(({ private_ip }) => private_ip === privateIp);
}

/**
 * Whether an address is the gateway's primary, which can never be unassigned.
 *
 * It is the one EC2 marks, or the only one there is. `undefined` means that several are there and none is marked, so
 * that any of them could be it.
 */
export function isPrimary(gateway: NatGateway, address: NatGatewayAddress): boolean | undefined {
  if (address.is_primary === true || gateway.addresses.length === 1) return true;
  return gateway.addresses.some((other) => other.is_primary === true) ? false : undefined;
}
