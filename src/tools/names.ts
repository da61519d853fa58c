/** The tools' names, by which results point from one to the other. */
export const DESCRIBE = 'describe_nat_gateway_addresses';
export const UNASSIGN = 'unassign_private_nat_gateway_address';
export const WAIT = 'wait_for_nat_gateway_addresses';
