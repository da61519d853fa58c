/** Runs `task` for every item in their order, at most `most` at the same time. */
export async function atOnce<T>(most: number, items: Iterable<T>, task: (item: T) => Promise<void>) {
  const left = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: most }, work));
}
