// Rounding as Python and numpy do it: halves go to the even neighbour.

export function rint(value) {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// The index of the smallest value, the first of equal ones; -1 of none.
export const argmin = (values) => values.reduce((best, value, i) => (best < 0 || value < values[best] ? i : best), -1);
