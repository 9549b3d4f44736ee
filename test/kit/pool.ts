// Owns doing many things a few at a time.

/** `f` of each item, at most `width` of them at a time; the results in the order of the items. */
export async function runPool<T, R>(items: readonly T[], width: number, f: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) {
      const item = items[i]
      if (item !== undefined) results[i] = await f(item)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
