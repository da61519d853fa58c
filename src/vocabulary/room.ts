/** Drops the oldest of a collection until one more fits into `capacity`. */
export function makeRoom(full: Map<string, unknown> | Set<string>, capacity: number): void {
  for (const oldest of full.keys()) {
    if (full.size < capacity) return;
    full.delete(oldest);
  }
}
