/** A NAT gateway id: `nat-` and 17 hexadecimal digits, or 8 on gateways older than 2016. */
export const NAT_GATEWAY_ID = /^nat-([0-9a-f]{8}|[0-9a-f]{17})$/;

/** An AWS region. Strict, because a region becomes part of a host name. */
export const REGION = /^[a-z]{2,5}(-[a-z]{2,12}){1,2}-\d{1,2}$/;

/** The name of a target: an account, and how to reach it, in the file of --targets. */
export const TARGET_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
