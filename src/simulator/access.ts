/** Checks whether a caller may do what a request asks for. */
import { randomBytes } from 'node:crypto';
import { denialOf, type LocalCaller } from './caller.ts';
import { Ec2Error } from './errors.ts';
import type { QueryParameters } from './query.ts';

/** Actions that have a resource, by the parameter with its id (Service Authorization Reference). */
const RESOURCES: ReadonlyMap<string, { type: string; parameter: string }> = new Map([
  ['AssignPrivateNatGatewayAddress', { type: 'natgateway', parameter: 'NatGatewayId' }],
  ['UnassignPrivateNatGatewayAddress', { type: 'natgateway', parameter: 'NatGatewayId' }],
  ['GetManagedPrefixListEntries', { type: 'prefix-list', parameter: 'PrefixListId' }],
]);

/**
 * Checks that the caller may call an action of EC2. The message has the form seen in terraform-provider-aws #34234 with
 * the encoded message of #29710, which here cannot be decoded.
 *
 * @throws Ec2Error `UnauthorizedOperation`
 */
export function authorize(caller: LocalCaller, action: string, parameters: QueryParameters): void {
  const { accountId, region, place } = caller;
  const { type, parameter } = RESOURCES.get(action) ?? {};
  const id = parameter === undefined ? '' : (parameters[parameter] ?? '');
  const tags = place.gateways.get(id)?.tags ?? [];
  const denial = denialOf(caller, {
    action: `ec2:${action}`,
    resource: type === undefined ? '*' : `arn:aws:ec2:${region}:${accountId}:${type}/${id}`,
    context: new Map([
      ['ec2:region', [region]],
      ...tags.flatMap(({ key, value }): [string, string[]][] => [
        [`aws:resourcetag/${key.toLowerCase()}`, [value]],
        [`ec2:resourcetag/${key.toLowerCase()}`, [value]],
      ]),
      ...(type === undefined ? [] : [['aws:resourceaccount', [accountId]] as [string, string[]]]),
    ]),
  });
  if (denial === undefined) return;
  const encoded = randomBytes(300).toString('base64url');
  throw new Ec2Error(
    'UnauthorizedOperation',
    `You are not authorized to perform this operation. ${denial}. Encoded authorization failure message: ${encoded}`,
    403,
  );
}

/**
 * Checks that the caller may call an action of CloudWatch, which has no condition keys of its own and sends no encoded
 * message.
 *
 * @throws Ec2Error `AccessDeniedException`
 */
export function authorizeMetrics(caller: LocalCaller, action: string): void {
  const denial = denialOf(caller, { action: `cloudwatch:${action}`, resource: '*', context: new Map() });
  if (denial !== undefined) throw new Ec2Error('AccessDeniedException', denial);
}
