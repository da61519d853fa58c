import type { JSONRPCMessage } from '@modelcontextprotocol/server';

type Id = string | number;

interface Batch {
  answers: JSONRPCMessage[];
  unanswered: number;
}

/** Collects the answers to the requests of each batch, since JSON-RPC answers a batch with one array. */
export class Batches {
  readonly #byId = new Map<Id, Batch>();

  /** Whether a request with this id belongs to a batch that is being answered. */
  has(id: Id): boolean {
    return this.#byId.has(id);
  }

  /** Opens a batch with the ids of its requests, none of which belongs to an open batch. */
  open(ids: readonly Id[]): void {
    const batch = { answers: [], unanswered: ids.length };
    for (const id of ids) this.#byId.set(id, batch);
  }

  /** Takes the answer to a request with this id. Returns what is to be sent now: the answer, a whole batch, or nothing. */
  answer(id: Id, answer: JSONRPCMessage): object | undefined {
    const batch = this.#byId.get(id);
    if (batch === undefined) return answer;
    batch.answers.push(answer);
    return this.#close(id, batch);
  }

  /** Takes that a request is not answered. Returns the batch if it is complete now and has an answer. */
  omit(id: unknown): object | undefined {
    if (typeof id !== 'string' && typeof id !== 'number') return undefined;
    const batch = this.#byId.get(id);
    return batch === undefined ? undefined : this.#close(id, batch);
  }

  #close(id: Id, batch: Batch): object | undefined {
    this.#byId.delete(id);
    batch.unanswered -= 1;
    return batch.unanswered === 0 && batch.answers.length > 0 ? batch.answers : undefined;
  }
}
