// format.js: numbers for people, in few characters and always about as many.
const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

// Three digits that count: 0.00123, 1.23, 12.3, 123.
const digits = (value) => value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
const trimmed = (text) => text.includes('.') ? text.replace(/\.?0+$/, '') : text;

export function count(value) {
  if (value == null || !isFinite(value)) return '–';
  if (value >= 999.5e9) return digits(value / 1e12) + ' T';
  if (value >= 999.5e6) return digits(value / 1e9) + ' G';
  if (value >= 9.9995e6) return digits(value / 1e6) + ' M';
  return grouped.format(value);
}
// Of things that may come seldom.
export function rate(value) {
  if (value == null || !isFinite(value)) return '–';
  return value >= 99.5 || value === 0 ? count(value) : value < 0.1 ? '< 0.1' : value.toFixed(1);
}
export function seconds(value) {
  if (value == null || !isFinite(value)) return '–';
  if (value <= 0) return '0';
  for (const [unit, size] of [['s', 1], ['ms', 1e-3], ['µs', 1e-6]])
    if (value >= size * 0.9995) return trimmed(digits(value / size)) + ' ' + unit;
  return trimmed(digits(value / 1e-9)) + ' ns';
}
export function bytes(value) {
  if (value == null || !isFinite(value)) return '–';
  let n = 0;
  while (value >= 999.5 && n < 5) { value /= 1024; n++; }
  return (n === 0 ? value.toFixed(0) : trimmed(digits(value))) + ' ' + ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][n];
}
export function share(value) {
  if (value == null || !isFinite(value)) return '–';
  const percent = 100 * value;
  return percent === 0 ? '0%' : percent < 0.1 ? '< 0.1%' : (percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1)) + '%';
}
export function age(s) {
  s = Math.max(0, Math.floor(s));
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const at = Math.max(0, parts.findIndex(([size]) => s >= size));
  if (s === 0) return '0 s';
  const [size, unit] = parts[at], next = parts[at + 1];
  const rest = next ? Math.floor((s % size) / next[0]) : 0;
  return Math.floor(s / size) + ' ' + unit + (rest > 0 ? ` ${rest} ${next[1]}` : '');
}
export const time = (s) => clock.format(new Date(s * 1000));
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;
