/**
 * NAT gateways as this server sees them: EC2's members under their own names in snake_case.
 *
 * Every member is optional because every member is optional in EC2's model, and enumerations are plain
 * strings because an unknown value must pass through. What EC2 did not say stays absent.
 */

/** One private IPv4 address of a gateway (EC2's `NatGatewayAddress`). */
export interface NatGatewayAddress {
  private_ip?: string | undefined;
  is_primary?: boolean | undefined;
  /** `assigning` `unassigning` `associating` `disassociating` `succeeded` `failed`, or a value newer than this code. */
  status?: string | undefined;
  failure_message?: string | undefined;
  network_interface_id?: string | undefined;
  public_ip?: string | undefined;
  allocation_id?: string | undefined;
  association_id?: string | undefined;
  availability_zone?: string | undefined;
  availability_zone_id?: string | undefined;
}

/** A tag of a gateway. */
export interface Tag {
  key: string;
  value: string;
}

/** A gateway with its addresses (EC2's `NatGateway`). */
export interface NatGateway {
  nat_gateway_id?: string | undefined;
  /** `pending` `failed` `available` `deleting` `deleted`, or a value newer than this code. */
  state?: string | undefined;
  connectivity_type?: string | undefined;
  availability_mode?: string | undefined;
  vpc_id?: string | undefined;
  subnet_id?: string | undefined;
  create_time?: string | undefined;
  delete_time?: string | undefined;
  failure_code?: string | undefined;
  failure_message?: string | undefined;
  tags?: Tag[] | undefined;
  addresses: NatGatewayAddress[];
}

/** The statuses of an address while EC2 is changing it. */
const CHANGING: ReadonlySet<string> = new Set(['assigning', 'unassigning', 'associating', 'disassociating']);

/** Whether EC2 is changing this address now; while it is, EC2 accepts no other assign or unassign on the gateway. */
export function isChanging(address: NatGatewayAddress): boolean {
  return address.status !== undefined && CHANGING.has(address.status);
}

/**
 * Whether an address is the gateway's primary, which can never be unassigned.
 *
 * It is the one EC2 marks, or the only one there is. `undefined` means that several are there and none is
 * marked, so that any of them could be it.
 */
export function isPrimary(gateway: NatGateway, address: NatGatewayAddress): boolean | undefined {
  if (address.is_primary === true || gateway.addresses.length === 1) return true;
  return gateway.addresses.some((other) => other.is_primary === true) ? false : undefined;
}
