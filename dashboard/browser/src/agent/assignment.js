// The assignment problem: one column for each row, or one row for each column, at the least total cost.

/**
 * Pairs (row, column) of the minimum-cost assignment of a rectangular matrix. Of equal costs it takes what SciPy's
 * `linear_sum_assignment` takes. Source: Crouse, On implementing 2D rectangular assignment algorithms (2016).
 * @param {number[][]} cost @returns {[number, number][]}
 */
export function assign(cost) {
  if (!cost.length || !cost[0].length) return [];
  if (cost[0].length >= cost.length) return shortestPaths(cost).map((column, row) => [row, column]);
  const transposed = cost[0].map((_, column) => cost.map((row) => row[column]));
  return shortestPaths(transposed).map((row, column) => [row, column]);
}

/** The column of each row, where there are at least as many columns as rows. */
function shortestPaths(cost) {
  const [rows, columns] = [cost.length, cost[0].length];
  const state = {
    cost,
    rowDuals: new Float64Array(rows),
    columnDuals: new Float64Array(columns),
    columnOf: new Int32Array(rows).fill(-1),
    rowOf: new Int32Array(columns).fill(-1),
  };
  for (let row = 0; row < rows; row += 1) augment(state, row);
  return Array.from(state.columnOf);
}

/** Gives the row a column, along the cheapest path that moves other rows to other columns. */
function augment(state, start) {
  const { rowDuals, columnDuals, columnOf, rowOf } = state;
  const { sink, length, lengths, pathRows, rowsSeen, columnsSeen } = cheapestPath(state, start);
  for (const row of rowsSeen) rowDuals[row] += row === start ? length : length - lengths[columnOf[row]];
  for (const column of columnsSeen) columnDuals[column] -= length - lengths[column];
  for (let column = sink, row = -1; row !== start; ) {
    row = pathRows[column];
    rowOf[column] = row;
    [columnOf[row], column] = [column, columnOf[row]];
  }
}

function cheapestPath({ cost, rowDuals, columnDuals, rowOf }, start) {
  const columns = rowOf.length;
  const remaining = Array.from({ length: columns }, (_, i) => columns - 1 - i);
  const lengths = new Float64Array(columns).fill(Infinity);
  const pathRows = new Int32Array(columns).fill(-1);
  const [rowsSeen, columnsSeen] = [[], []];
  let [row, length, sink] = [start, 0, -1];
  while (sink === -1) {
    rowsSeen.push(row);
    let [index, lowest] = [-1, Infinity];
    remaining.forEach((column, i) => {
      const reached = length + cost[row][column] - rowDuals[row] - columnDuals[column];
      if (reached < lengths[column]) {
        pathRows[column] = row;
        lengths[column] = reached;
      }
      if (lengths[column] < lowest || (lengths[column] === lowest && rowOf[column] === -1)) {
        lowest = lengths[column];
        index = i;
      }
    });
    length = lowest;
    const column = remaining[index];
    if (rowOf[column] === -1) sink = column;
    else row = rowOf[column];
    columnsSeen.push(column);
    remaining[index] = remaining[remaining.length - 1];
    remaining.pop();
  }
  return { sink, length, lengths, pathRows, rowsSeen, columnsSeen };
}
