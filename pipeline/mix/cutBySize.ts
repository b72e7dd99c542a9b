// Lists cut into consecutive pieces of about one size: optimizer steps, shards and record batches all are.

/** Closes a piece with the item by which it reaches `size`, so only the last may be smaller. */
export function cutBySize<T>(
  items: readonly T[],
  { size, sizeOf }: { size: number; sizeOf: (item: T) => number },
): T[][] {
  const pieces: T[][] = [];
  let room = 0;
  for (const item of items) {
    if (room <= 0) {
      pieces.push([]);
      room = size;
    }
    pieces.at(-1)!.push(item);
    room -= sizeOf(item);
  }
  return pieces;
}
