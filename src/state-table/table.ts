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
import { ClockWatch } from './clock-watch.ts';
import { unavailable } from './unavailable.ts';

/** One request with its retries, and one attempt of it, in milliseconds. Two in a row fit beside a read of EC2. */
const REQUEST_MILLISECONDS = 3000;
const ATTEMPT_MILLISECONDS = 1000;

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

/** One table by requests that each have an end in time. Methods throw `Failure` `state_unavailable`. */
export class Table {
  readonly name: string;
  readonly clock: ClockWatch;
  readonly #client: DynamoDBClient;
  readonly #onTrouble: (message: string) => void;
  readonly #pending = new Set<Promise<void>>();

  /**
   * `config` is of the process's session. Its handler has to throw when a request times out, and is destroyed by those
   * who made it. `onTrouble` gets what was not written and nobody waits for.
   */
  constructor(
    name: string,
    config: DynamoDBClientConfig,
    now: () => number,
    onTrouble: (message: string) => void,
  ) {
    this.name = name;
    this.#onTrouble = onTrouble;
    // With an account in its host the endpoint would change with the credentials, past allow-lists and VPC endpoints.
    this.#client = new DynamoDBClient({ ...config, maxAttempts: 3, accountIdEndpointMode: 'disabled' });
    this.clock = new ClockWatch(this.#client, now);
  }

  /** Writes an item if the condition holds. Returns whether it did. */
  put(key: Key, item: Item, { condition, values = {} }: Conditional = {}): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: this.name,
      Item: attributes({ ...key, ...item }),
      ...expression({ ConditionExpression: condition }, values),
    });
    return this.#ifHolds(async () => {
      await this.#client.send(command, requestOptions());
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
    return this.#ifHolds(async () => {
      const { Attributes } = await this.#client.send(command, requestOptions());
      if (Attributes === undefined) throw new TypeError('the answer has no item');
      return itemOf(Attributes);
    }, undefined);
  }

  async get(key: Key): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: this.name, Key: attributes(key), ConsistentRead: true });
    return this.#explained(async () => {
      const { Item } = await this.#client.send(command, requestOptions());
      return Item === undefined ? undefined : itemOf(Item);
    });
  }

  /** Reads every item of a partition that the condition on its key allows. */
  query(condition: string, values: Item): Promise<Item[]> {
    const options = requestOptions();
    return this.#explained(async () => {
      const items: Item[] = [];
      let from: Record<string, AttributeValue> | undefined;
      do {
        const command = new QueryCommand({
          TableName: this.name,
          ConsistentRead: true,
          ExclusiveStartKey: from,
          ...expression({ KeyConditionExpression: condition }, values),
        });
        const { Items, LastEvaluatedKey } = await this.#client.send(command, options);
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
      .catch((error: unknown) => this.#onTrouble(`${what} could not be written: ${(error as Error).message}`))
      .finally(() => this.#pending.delete(written));
    this.#pending.add(written);
    return written;
  }

  /** Settles when everything in the background is over; each has an end in time. */
  async written(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async #ifHolds<T>(send: () => Promise<T>, otherwise: T): Promise<T> {
    return this.#explained(() =>
      send().catch((error: unknown) => {
        if (error instanceof ConditionalCheckFailedException) return otherwise;
        throw error;
      }),
    );
  }

  async #explained<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw unavailable(this.name, error);
    }
  }
}

function requestOptions() {
  return {
    abortSignal: AbortSignal.timeout(REQUEST_MILLISECONDS),
    requestTimeout: ATTEMPT_MILLISECONDS,
  };
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
