/** Drops the oldest of a collection until one more fits into `capacity`. */
export function makeRoom(full: Map<string, unknown> | Set<string>, capacity: number): void {
  for (const oldest of full.keys()) {
    if (full.size < capacity) return;
    full.delete(oldest);
  }
}

/** The value at `key`, made where there is none; what was used longest ago makes room for it. */
export function kept<Value>(
  values: Map<string, Value>,
  key: string,
  capacity: number,
  make: () => Value,
): Value {
  const value = values.get(key) ?? make();
  keep(values, key, value, capacity);
  return value;
}

/** Keeps a value as the one that was used last. */
export function keep<Value>(values: Map<string, Value>, key: string, value: Value, capacity: number): void {
  values.delete(key);
  makeRoom(values, capacity);
  values.set(key, value);
}
