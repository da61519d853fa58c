/** The part of the AWS SDK that a script with this one call would bundle, loaded on the first call as in the server. */
import { DescribeNatGatewaysCommand, EC2Client, paginateDescribeNatGateways } from '@aws-sdk/client-ec2';

const client = new EC2Client({});

export function describe(natGatewayId: string) {
  const Filter = [{ Name: 'nat-gateway-id', Values: [natGatewayId] }];
  return client.send(new DescribeNatGatewaysCommand({ Filter }));
}

export function page(MaxResults: number, NextToken: string | undefined) {
  return client.send(new DescribeNatGatewaysCommand({ MaxResults, ...(NextToken && { NextToken }) }));
}

export async function count(pageSize: number) {
  let gateways = 0;
  for await (const page of paginateDescribeNatGateways({ client, pageSize }, {})) {
    gateways += page.NatGateways?.length ?? 0;
  }
  return { gateways };
}
