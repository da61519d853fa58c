import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { IssuerOptions } from '../../../src/serve/http/issuer.ts';
import { FakeIssuer, holdTimeLimits, openGuarded } from '../../support/fake-issuer.ts';
import { deferred } from '../../support/http.ts';
import { ManualClock } from '../../support/session.ts';

const COOLDOWN = 30_000;
const MINUTE = 60;
const HOUR = 3600;

/**
 * A guarded server with the pauses of the product, and a clock for its durations. No time limit is over before a test
 * says so: a caller that waits for an issuer that hangs gets no answer.
 */
async function open(options: Partial<IssuerOptions> = {}) {
  const limits = holdTimeLimits();
  const issuer = await FakeIssuer.open();
  const clock = new ManualClock(1000);
  const guarded = await openGuarded(issuer, {
    monotonic: clock.now,
    keysCooldown: COOLDOWN,
    ...options,
  });
  const token = await issuer.token();
  const status = async (of = token): Promise<number> => (await guarded.ask(of)).status;
  return { limits, issuer, clock, status, ...guarded };
}

/** Settles at the issuer's next request. */
function nextRequest({ server }: FakeIssuer): Promise<unknown> {
  return once(server, 'request');
}

/** Ends the requests that hang; further ones fail at once. */
function breakDown(issuer: FakeIssuer): void {
  issuer.hanging = false;
  issuer.down = true;
  issuer.server.closeAllConnections();
}

describe('an issuer that does not answer', () => {
  it.each([
    [0, '/.well-known/oauth-authorization-server'],
    [1, '/keys'],
  ])('is given up on after 5 s, at its request %i or within the answer to it', async (_, path) => {
    const { limits, issuer, status, log, clock } = await open();
    for (const beginning of ['', '{"issuer":']) {
      const begun = deferred<ServerResponse>();
      issuer.answers.set(path, (response) => {
        if (beginning !== '') response.write(beginning);
        begun.resolve(response);
      });
      const answer = status();
      const response = await begun.promise;
      limits.expire();
      await once(response, 'close');
      expect(await answer).toBe(503);
      clock.advance(MINUTE);
    }
    expect(log.text).toContain('no answer in time');
    expect(limits.milliseconds).toEqual([5000, 5000]);
  });

  it('delays the callers of one reading together, and none within the pause after it', async () => {
    const { issuer, status, clock, log } = await open();
    issuer.hanging = true;
    const asked = nextRequest(issuer);
    const callers = [status(), status(), status()];
    await asked;
    breakDown(issuer);
    expect(await Promise.all(callers)).toEqual([503, 503, 503]);
    const requests = issuer.requests.length;
    issuer.down = false;
    issuer.hanging = true;
    expect(await status()).toBe(503);
    expect(await status(await issuer.token({}, { kid: 'unknown' }))).toBe(503);
    expect(issuer.requests).toHaveLength(requests);
    expect(log.text.match(/cannot read the keys/g)).toHaveLength(1);
    issuer.hanging = false;
    clock.advance(5);
    expect(await status()).toBe(200);
  });

  it('is asked again after 5, 10 and 20 s, and then every 30 s', async () => {
    const { issuer, status, clock } = await open();
    issuer.down = true;
    expect(await status()).toBe(503);
    for (const pause of [5, 10, 20, 30, 30]) {
      const requests = issuer.requests.length;
      clock.advance(pause - 1);
      expect(await status()).toBe(503);
      expect(issuer.requests).toHaveLength(requests);
      clock.advance(1);
      expect(await status()).toBe(503);
      expect(issuer.requests.length).toBeGreaterThan(requests);
    }
  });

  it('is asked for other metadata first after the first kind hung', async () => {
    const { limits, issuer, status, clock } = await open();
    issuer.answers.set('/.well-known/oauth-authorization-server', () => {});
    issuer.metadataPath = '/.well-known/openid-configuration';
    const asked = nextRequest(issuer);
    const answer = status();
    await asked;
    limits.expire();
    expect(await answer).toBe(503);
    clock.advance(5);
    expect(await status()).toBe(200);
    expect(issuer.requests).toEqual([
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/keys',
    ]);
  });
});

describe('a reading of several requests', () => {
  it('adds no listener to its time limit, of which Node would warn', async () => {
    const { limits, issuer, status } = await open();
    issuer.metadataPath = '/.well-known/openid-configuration';
    expect(await status()).toBe(200);
    expect(limits.milliseconds).toHaveLength(1);
    expect(limits.listeners()).toBe(0);
  });
});

describe('keys that are known', () => {
  it('serve at once while the issuer hangs, for six hours', async () => {
    const { issuer, status, clock, log } = await open();
    expect(await status()).toBe(200);
    issuer.hanging = true;
    clock.advance(11 * MINUTE);
    const asked = nextRequest(issuer);
    expect(await status()).toBe(200);
    await asked;
    expect(await status()).toBe(200);
    breakDown(issuer);
    await expect.poll(() => log.text).toContain('cannot read the keys');
    for (let hours = 1; hours < 6; hours += 1) {
      clock.advance(HOUR - MINUTE);
      expect(await status()).toBe(200);
    }
    clock.advance(HOUR);
    expect(await status()).toBe(503);
    issuer.down = false;
    clock.advance(MINUTE);
    expect(await status()).toBe(200);
  });

  it('are read again beside the calls once they are ten minutes old', async () => {
    const { issuer, status, clock } = await open();
    const token = await issuer.token();
    expect(await status(token)).toBe(200);
    const before = issuer.requests.length;
    clock.advance(10 * MINUTE);
    expect(await status(token)).toBe(200);
    expect(issuer.requests).toHaveLength(before);
    await issuer.rotate('second');
    clock.advance(1);
    expect(await status(token)).toBe(200);
    await expect.poll(() => status(token)).toBe(401);
    expect(issuer.requests.slice(before)).toEqual(['/keys']);
  });

  it('are read again before a call once they are an hour old', async () => {
    const { issuer, status, clock } = await open();
    const token = await issuer.token();
    expect(await status(token)).toBe(200);
    await issuer.rotate('second');
    clock.advance(HOUR + 1);
    expect(await status(token)).toBe(401);
    expect(await status(await issuer.token())).toBe(200);
  });

  it('delay one reading of callers once they are an hour old and the issuer hangs', async () => {
    const { issuer, status, clock } = await open();
    expect(await status()).toBe(200);
    issuer.hanging = true;
    clock.advance(HOUR + 1);
    const asked = nextRequest(issuer);
    const callers = [status(), status()];
    await asked;
    breakDown(issuer);
    expect(await Promise.all(callers)).toEqual([200, 200]);
    issuer.down = false;
    issuer.hanging = true;
    expect(await status()).toBe(200);
    clock.advance(30);
    const askedAgain = nextRequest(issuer);
    expect(await status()).toBe(200);
    await askedAgain;
  });

  it('are read for a token with another key every 30 s at most', async () => {
    const { issuer, status, clock } = await open();
    expect(await status()).toBe(200);
    const requests = issuer.requests.length;
    await issuer.rotate('second');
    const token = await issuer.token();
    clock.advance(29);
    expect(await status(token)).toBe(401);
    expect(issuer.requests).toHaveLength(requests);
    clock.advance(1);
    expect(await status(token)).toBe(200);
  });

  it('serve while the issuer serves what is no set of keys', async () => {
    const { issuer, status, clock, log } = await open();
    expect(await status()).toBe(200);
    for (const body of ['<html>', '{"keys":{}}', '{"keys":[1]}', '{}', '']) {
      issuer.answers.set('/keys', (response) => response.end(body));
      clock.advance(11 * MINUTE);
      const logged = log.text.length;
      expect(await status()).toBe(200);
      await expect.poll(() => log.text.slice(logged)).toContain('cannot read the keys');
      expect(await status()).toBe(200);
    }
  });
});

describe('an answer of the issuer', () => {
  const padding = ' '.repeat(1_048_577);

  it('is refused above 1 MiB: metadata', async () => {
    const { issuer, status, log } = await open();
    issuer.answers.set(issuer.metadataPath, (response) =>
      response.end(JSON.stringify(issuer.ownMetadata()) + padding),
    );
    expect(await status()).toBe(503);
    expect(issuer.requests).not.toContain('/keys');
    expect(log.text).toContain('the answer has more than 1048576 bytes');
  });

  it('is refused above 1 MiB: keys', async () => {
    const { issuer, status, log } = await open();
    const keys = JSON.stringify(await issuer.keySet());
    issuer.answers.set('/keys', (response) => response.end(keys + padding));
    expect(await status()).toBe(503);
    expect(log.text).toContain('the answer has more than 1048576 bytes');
  });

  it('is read up to 1 MiB, in any pieces', async () => {
    const { issuer, status } = await open();
    const keys = JSON.stringify(await issuer.keySet());
    issuer.answers.set('/keys', (response) => {
      response.write(keys.slice(0, 7));
      setImmediate(() => response.end(keys.slice(7) + padding.slice(keys.length + 1)));
    });
    expect(await status()).toBe(200);
  });

  it('that never ends is cut off', async () => {
    const { issuer, status } = await open();
    const closed = deferred();
    issuer.answers.set('/keys', (response) => {
      response.on('close', closed.resolve);
      const send = (): void => {
        while (!response.destroyed && response.write(padding));
      };
      response.on('drain', send);
      send();
    });
    expect(await status()).toBe(503);
    await closed.promise;
  });

  it('is not followed to another address', async () => {
    const { issuer, status, log } = await open();
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
      issuer.answers.set(path, (response) => response.writeHead(302, { location: '/elsewhere' }).end());
    }
    expect(await status()).toBe(503);
    expect(issuer.requests).not.toContain('/elsewhere');
    expect(log.text).toContain('HTTP 302');
  });

  it('may be metadata that names keys of no address', async () => {
    const { issuer, status } = await open({ keysCooldown: 0 });
    for (const jwks_uri of ['keys', 'ftp://127.0.0.1/keys', 'file:///etc/passwd', 7]) {
      issuer.metadata = { issuer: issuer.url, jwks_uri };
      expect(await status()).toBe(503);
    }
  });
});
