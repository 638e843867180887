// Figures in reasons, written as Python's format does.

/** With so many decimals; halves go to the even digit. @param {number} value @param {number} digits */
export function fixed(value, digits) {
  const exact = value.toFixed(40);
  const end = exact.length - 40 + digits;
  const isHalf = /^50*$/.test(exact.slice(end));
  if (!isHalf) return value.toFixed(digits);
  const down = digits ? exact.slice(0, end) : exact.slice(0, end - 1);
  return Number(down.at(-1)) % 2 ? (Number(down) + 10 ** -digits * Math.sign(value || 1)).toFixed(digits) : down;
}

/** As short as it can be at six digits. @param {number} value */
export function general(value) {
  return String(Number(value.toPrecision(6)));
}
