import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The most requests that may be unanswered on one connection. Clients of MCP send one at a time. */
const MAX_UNANSWERED = 16;

/**
 * The open connections. Those on which no call runs are limited: when there is one too many, the one that has been
 * silent for longest is closed. So idle connections, or requests that never end, cannot keep out a new caller.
 */
export class Connections {
  readonly #limit: number;
  /** Connections on which no call runs, the longest silent first. */
  readonly #waiting = new Set<Socket>();
  readonly #running = new Map<Socket, number>();
  readonly #unanswered = new WeakMap<Socket, Set<ServerResponse>>();

  /** `limit` is the maximum number of connections on which no call runs. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Follows the connections of `server`. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      socket.once('close', () => this.#remove(socket));
      this.#renew(socket);
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      if (socket.destroyed) return;
      this.#renew(socket);
      const unanswered = this.#unanswered.get(socket) ?? new Set();
      this.#unanswered.set(socket, unanswered.add(response));
      response.once('close', () => {
        unanswered.delete(response);
        this.#renew(socket);
      });
      // Looked at later, as many short requests that come at once are answered in no time.
      if (unanswered.size === MAX_UNANSWERED + 1) {
        setImmediate(() => {
          if (unanswered.size > MAX_UNANSWERED) socket.destroy();
        });
      }
    });
  }

  /** Keeps the connection of a call until it has been answered. */
  keep(socket: Socket, response: ServerResponse): void {
    this.#waiting.delete(socket);
    this.#running.set(socket, (this.#running.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (this.#running.get(socket) ?? 1) - 1;
      if (left > 0) this.#running.set(socket, left);
      else this.#running.delete(socket);
      this.#renew(socket);
    });
  }

  #renew(socket: Socket): void {
    if (socket.destroyed || this.#running.has(socket)) return;
    this.#waiting.delete(socket);
    this.#waiting.add(socket);
    const [oldest] = this.#waiting;
    if (oldest === undefined || this.#waiting.size <= this.#limit) return;
    this.#waiting.delete(oldest);
    oldest.destroy();
  }

  #remove(socket: Socket): void {
    this.#waiting.delete(socket);
    for (const response of this.#unanswered.get(socket) ?? []) {
      // Node never closes a response that still waits for the one before it, so its call would keep its slot for ever.
      if (response.socket === null) response.destroy().emit('close');
    }
    this.#unanswered.delete(socket);
  }
}
