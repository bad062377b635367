/** Edit distance between two words (insert, delete, replace, swap of neighbours each cost 1). @see Damerau 1964 */
function distance(left: string, right: string): number {
  const width = right.length + 1;
  const table = new Array<number>((left.length + 1) * width).fill(0);
  const cell = (row: number, column: number): number => table[row * width + column] ?? 0;
  for (let row = 0; row <= left.length; row++) {
    for (let column = 0; column < width; column++) {
      table[row * width + column] = cost(row, column);
    }
  }
  return cell(left.length, right.length);

  function cost(row: number, column: number): number {
    if (row === 0 || column === 0) return row + column;
    const replaced = cell(row - 1, column - 1) + (left[row - 1] === right[column - 1] ? 0 : 1);
    const best = Math.min(cell(row - 1, column) + 1, cell(row, column - 1) + 1, replaced);
    const swapped =
      row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
    return swapped ? Math.min(best, cell(row - 2, column - 2) + 1) : best;
  }
}

/** The known word closest to a given one; undefined when none is close enough to be a likely slip. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(word.length / 2));
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ far }) => far <= limit)
    .sort((left, right) => left.far - right.far);
  return ranked[0]?.candidate;
}
