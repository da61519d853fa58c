import { Failure, regionUnknown, timedOut } from '../vocabulary/failure.ts';
import { boundedText } from '../vocabulary/text.ts';
import { expired, mappingFor, profileFlag, type RequestContext } from './aws-codes.ts';
import { type ErrorParts, errorParts } from './error-parts.ts';

/** Node's codes for a connection that broke: the request may have arrived. */
const BROKEN: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'EPROTO',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
]);

/** How much of a message from AWS is passed on, in characters. */
const MESSAGE_LIMIT = 1000;

/** Turns whatever a request to EC2 threw into a failure with a code, a message and a next step. */
export function failureFrom(error: unknown, context: RequestContext): Failure {
  if (error instanceof Failure) return error;
  const failure = errorParts(error);
  const { awsCode, status } = failure;
  if (awsCode !== undefined) {
    const mapping = mappingFor(awsCode, failure, context);
    const throttles = mapping.code === 'throttled';
    const parsed4xx = status !== undefined && status >= 400 && status < 500 && failure.attempts === 1;
    return new Failure(
      {
        code: mapping.code,
        message: boundedText(withoutEncodedMessage(failure.message) || awsCode, MESSAGE_LIMIT),
        retryable: mapping.retryable,
        retry_after_seconds: failure.retryAfter,
        hint: mapping.hint(context),
        aws_code: awsCode,
        request_id: failure.requestId,
      },
      throttles || parsed4xx ? 'none' : 'possible',
    );
  }
  return withoutAwsCode(failure, context);
}

function withoutAwsCode(failure: ErrorParts, context: RequestContext): Failure {
  const { name, message, codes } = failure;
  const { region, profile } = context;
  const detail = boundedText(message, MESSAGE_LIMIT);
  const isAnswered = failure.status !== undefined;
  if (
    !isAnswered &&
    (name === 'CredentialsProviderError' || name === 'TokenProviderError' || name === 'ProviderError')
  ) {
    const outdated = /expired|refresh|sso login|sso session/i.test(message);
    return new Failure(
      outdated
        ? { code: 'credentials_expired', message: detail, retryable: true, hint: expired.hint(context) }
        : {
            code: 'credentials_missing',
            message: detail,
            retryable: true,
            hint: `No AWS credentials were found${profile === undefined ? '' : ` in profile ${profile}`}. Give the server some (--profile, AWS_PROFILE, AWS_ACCESS_KEY_ID, an instance or container role; for IAM Identity Center: aws sso login${profileFlag(profile)}), then call again. To try it without an account, start it with --simulate.`,
          },
    );
  }
  if (!isAnswered && /region is missing/i.test(message)) return regionUnknown();
  if (failure.neverConnected && !codes.includes('ETIMEDOUT')) {
    return new Failure({
      code: 'unreachable',
      message: `The EC2 endpoint of ${region} could not be reached (${codes.join(', ')}). Nothing was sent.`,
      retryable: true,
      hint: codes.includes('ENOTFOUND')
        ? `The endpoint's name does not resolve. If ${region} is mistyped, correct it; else check DNS and the network, and HTTPS_PROXY where a proxy is needed.`
        : 'Check the network path to the EC2 endpoint (firewall, VPN, HTTPS_PROXY), then call again.',
    });
  }
  const isNoHttp = codes.some((code) => code.startsWith('HPE_'));
  if (failure.status !== undefined || isNoHttp) {
    const sent = isNoHttp ? 'something that is not HTTP' : `HTTP ${failure.status} and nothing`;
    return new Failure(
      {
        code: 'bad_response',
        message: `What answered in place of EC2 sent ${sent} that could be read as EC2's XML.`,
        retryable: true,
        hint: 'Something between this server and EC2 may have answered (a proxy, a captive portal, a wrong AWS_ENDPOINT_URL). Check it, then call again.',
        request_id: failure.requestId,
      },
      'possible',
      failure.status !== undefined && failure.status >= 200 && failure.status < 300,
    );
  }
  if (
    codes.some((code) => BROKEN.has(code) || /^ERR_(SSL|TLS)_(?!CERT)/.test(code)) ||
    /socket hang up|aborted/i.test(message)
  ) {
    return new Failure(
      {
        code: 'unreachable',
        message: `The connection to EC2 in ${region} broke (${codes.join(', ') || detail}).`,
        retryable: true,
        hint: 'Call again. If it keeps breaking, check the network path to the EC2 endpoint (firewall, proxy, VPN).',
      },
      'possible',
    );
  }
  if (name === 'TimeoutError' || name === 'AbortError' || codes.includes('ETIMEDOUT')) {
    const { report } = timedOut(0);
    return new Failure({ ...report, message: 'EC2 did not answer in time.' }, 'possible');
  }
  // Certificates are looked at before anything is sent; any other fault of TLS can come later.
  if (codes.some((code) => /CERT|SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY/.test(code))) {
    return new Failure({
      code: 'unreachable',
      message: `No trusted TLS connection to EC2 in ${region} (${codes.join(', ')}). Nothing was sent.`,
      retryable: false,
      hint: 'A proxy that inspects TLS needs its certificate authority in NODE_EXTRA_CA_CERTS.',
    });
  }
  return new Failure(
    {
      code: 'internal',
      message: 'The request to EC2 failed in a way this server does not know.',
      retryable: false,
      hint: 'The server log (stderr) has the details; please report them.',
    },
    'possible',
  );
}

/** The blob after this label describes the account's policies; it belongs into no log and no conversation. */
function withoutEncodedMessage(message: string): string {
  return message.replace(/\s*Encoded authorization failure message:\s*\S+/gi, '');
}
