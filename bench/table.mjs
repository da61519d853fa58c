// Starts a table for --state-table: dynalite, each of whose answers takes some time.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';

const NAME = 'bench-state';

/** Starts the table that `main` prints the template of, and returns the flags with which a server uses it. */
export async function startTable(main, delay) {
  const store = dynalite({ createTableMs: 0 });
  const server = createServer(async (request, response) => {
    await sleep(delay);
    store.emit('request', request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${server.address().port}`;
  await create(main, endpoint);
  return {
    flags: ['--state-table', NAME, '--state-endpoint', endpoint],
    end: () => server.close(),
  };
}

async function create(main, endpoint) {
  const printed = execFileSync(process.execPath, [main, 'state-table', '--state-table', NAME]);
  const { TimeToLiveSpecification: _, ...properties } = JSON.parse(printed).Resources.State.Properties;
  const credentials = { accessKeyId: 'AKIABENCH', secretAccessKey: 'secret' };
  const client = new DynamoDBClient({ region: 'us-east-1', endpoint, credentials });
  await client.send(new CreateTableCommand(properties));
  await waitUntilTableExists({ client, maxWaitTime: 5, minDelay: 0.1, maxDelay: 0.1 }, { TableName: NAME });
  client.destroy();
}
