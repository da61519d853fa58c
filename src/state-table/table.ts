import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { MiddlewareStack } from '@smithy/types';
import type { Clocks } from '../changes/state.ts';
import { causeOfState } from '../vocabulary/failure.ts';
import { orAborted } from '../vocabulary/or-aborted.ts';
import { ClockWatch } from './clock-watch.ts';
import type { TableTimes } from './times.ts';
import { concernsClient, unavailable } from './unavailable.ts';

export type Value = string | number | readonly string[] | ReadonlySet<string>;

export type Item = Readonly<Record<string, Value>>;

export interface Key {
  pk: string;
  sk: string;
}

/** Members of an expression: `#name` stands for the attribute of that name, `:name` for the value in `values`. */
interface Conditional {
  condition?: string;
  values?: Item;
}

export interface TableOptions {
  name: string;
  /**
   * The process's region, credentials, endpoint and handler. It is asked at the first request, and again where the
   * credentials were refused. The handler has to throw when a request times out; those who made it destroy it.
   */
  client: () => Promise<DynamoDBClientConfig>;
  clocks: Clocks;
  /** Gets what could not be written and nobody waits for, for the log. */
  onTrouble: (message: string) => void;
}

/** One table by requests that each have an end in time. Methods throw `Failure` `state_unavailable`. */
export class Table {
  readonly name: string;
  readonly clock: ClockWatch;
  readonly #config: TableOptions['client'];
  #client: Promise<DynamoDBClient> | undefined;
  readonly #onTrouble: (message: string) => void;
  readonly #times: Pick<TableTimes, 'request' | 'attempt'>;
  readonly #pending = new Set<Promise<void>>();

  constructor({ name, client, clocks, onTrouble }: TableOptions, times: TableTimes) {
    this.name = name;
    this.#onTrouble = onTrouble;
    this.#times = times;
    this.#config = client;
    this.clock = new ClockWatch(clocks.now);
  }

  /** Writes an item if the condition holds. Returns whether it did. */
  put(key: Key, item: Item, { condition, values = {} }: Conditional = {}): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: this.name,
      Item: attributes({ ...key, ...item }),
      ...expression({ ConditionExpression: condition }, values),
    });
    return this.#ifHolds(async (client, options) => {
      await client.send(noting(command, options), options);
      return true;
    }, false);
  }

  /** Changes an item if the condition holds. Returns the item; `undefined` where it does not hold. */
  update(key: Key, update: string, { condition, values = {} }: Conditional): Promise<Item | undefined> {
    const command = new UpdateItemCommand({
      TableName: this.name,
      Key: attributes(key),
      ReturnValues: 'ALL_NEW',
      ...expression({ UpdateExpression: update, ConditionExpression: condition }, values),
    });
    return this.#ifHolds(async (client, options) => {
      const { Attributes } = await client.send(noting(command, options), options);
      if (Attributes === undefined) throw new TypeError('the answer has no item');
      return itemOf(Attributes);
    }, undefined);
  }

  async get(key: Key): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: this.name, Key: attributes(key), ConsistentRead: true });
    return this.#explained(async (client, options) => {
      const { Item } = await client.send(noting(command, options), options);
      return Item === undefined ? undefined : itemOf(Item);
    });
  }

  /** Reads every item of a partition that the condition on its key allows. */
  query(condition: string, values: Item): Promise<Item[]> {
    return this.#explained(async (client, options) => {
      const items: Item[] = [];
      let from: Record<string, AttributeValue> | undefined;
      do {
        const command = new QueryCommand({
          TableName: this.name,
          ConsistentRead: true,
          ExclusiveStartKey: from,
          ...expression({ KeyConditionExpression: condition }, values),
        });
        const { Items, LastEvaluatedKey } = await client.send(noting(command, options), options);
        // An answer of something that is not DynamoDB must not read as an empty table.
        if (Items === undefined) throw new TypeError('the answer has no items');
        items.push(...Items.map(itemOf));
        from = LastEvaluatedKey;
      } while (from !== undefined);
      return items;
    });
  }

  /** Does what nobody waits for but `written`; `what` completes "… could not be written". */
  inBackground(what: string, write: () => Promise<unknown>): Promise<void> {
    const written = write()
      .then(() => {})
      .catch((error: unknown) =>
        this.#onTrouble(`${what} could not be written: ${causeOfState((error as Error).message)}`),
      )
      .finally(() => this.#pending.delete(written));
    this.#pending.add(written);
    return written;
  }

  /** Settles when everything in the background is over; each has an end in time. */
  async written(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #options(): RequestOptions {
    const { request, attempt } = this.#times;
    return { abortSignal: AbortSignal.timeout(request), requestTimeout: attempt };
  }

  async #ifHolds<T>(send: Send<T>, otherwise: T): Promise<T> {
    return this.#explained((client, options) =>
      send(client, options).catch((error: unknown) => {
        if (error instanceof ConditionalCheckFailedException) return otherwise;
        throw error;
      }),
    );
  }

  /** Where time ran out after the table had answered with an error, that error is the reason. */
  async #explained<T>(send: Send<T>): Promise<T> {
    const options = this.#options();
    try {
      // The SDK's own abort waits for a source of credentials that hangs.
      return await orAborted(
        this.#opened().then((client) => send(client, options)),
        options.abortSignal,
      );
    } catch (error) {
      const reason = options.abortSignal.aborted ? (options.answered ?? error) : error;
      if (concernsClient(reason)) this.#client = undefined;
      throw unavailable(this.name, reason);
    }
  }

  #opened(): Promise<DynamoDBClient> {
    this.#client ??= this.#newClient().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #newClient(): Promise<DynamoDBClient> {
    const config = await this.#config();
    // With an account in its host the endpoint would change with the credentials, past allow-lists and VPC endpoints.
    const client = new DynamoDBClient({ ...config, maxAttempts: 3, accountIdEndpointMode: 'disabled' });
    this.clock.watch(client);
    return client;
  }
}

type Send<T> = (client: DynamoDBClient, options: RequestOptions) => Promise<T>;

/** Options of one `client.send`; `answered` is the latest error that the table answered with. */
interface RequestOptions {
  abortSignal: AbortSignal;
  requestTimeout: number;
  answered?: unknown;
}

/** The command, which notes in its options what the table answers with. */
function noting<
  C extends { middlewareStack: MiddlewareStack<Input, Output> },
  Input extends object,
  Output extends object,
>(command: C & { middlewareStack: MiddlewareStack<Input, Output> }, options: RequestOptions): C {
  command.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
        if ($metadata?.httpStatusCode !== undefined) options.answered = error;
        throw error;
      }
    },
    { step: 'deserialize', name: 'noting', priority: 'high' },
  );
  return command;
}

/** Expressions with their names and values. Every name is a placeholder, because hundreds of words are reserved. */
function expression<T extends Readonly<Record<string, string | undefined>>>(expressions: T, values: Item) {
  const text = Object.values(expressions).join(' ');
  const names = [...text.matchAll(/#(\w+)/g)].map(([placeholder, name = '']) => [placeholder, name]);
  const given = Object.entries(values).map(([name, value]) => [`:${name}`, attribute(value)]);
  return {
    ...expressions,
    ...(names.length === 0
      ? {}
      : { ExpressionAttributeNames: Object.fromEntries(names) as Record<string, string> }),
    ...(given.length === 0
      ? {}
      : { ExpressionAttributeValues: Object.fromEntries(given) as Record<string, AttributeValue> }),
  };
}

function attributes(item: object): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(item as Item).map(([name, value]) => [name, attribute(value)]));
}

function attribute(value: Value): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (value instanceof Set) return { SS: [...(value as ReadonlySet<string>)] };
  return { L: [...(value as readonly string[])].map((S) => ({ S })) };
}

function itemOf(attributes: Record<string, AttributeValue>): Item {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { S, N, SS, L }]) => {
      const value = S ?? (N === undefined ? undefined : Number(N)) ?? (SS && new Set(SS));
      return [name, value ?? (L ?? []).map((each) => each.S ?? '')];
    }),
  );
}
