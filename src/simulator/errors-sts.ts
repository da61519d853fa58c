import { Ec2Error } from './errors.ts';

/** A refusal in the error envelope of STS. */
export class StsError extends Ec2Error {}

export const validationError = (message: string) => new StsError('ValidationError', message);

export const invalidClientToken = () =>
  new StsError('InvalidClientTokenId', 'The security token included in the request is invalid.', 403);

export const expiredToken = () =>
  new StsError('ExpiredToken', 'The security token included in the request is expired', 403);

export const accessDenied = (user: string, action: string, resource: string) =>
  new StsError(
    'AccessDenied',
    `User: ${user} is not authorized to perform: ${action} on resource: ${resource}`,
    403,
  );
