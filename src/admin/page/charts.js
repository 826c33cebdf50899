// charts.js: what goes on over five minutes, drawn by uPlot. Colours are the page's (style.css), asked for at each drawing, so that a
// change of theme is one drawing more.
import { WINDOW } from './feed.js';

/* global uPlot */
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

// The same at both ends of all charts: minutes before now, which stand still while the lines pass.
const minutes = [240, 180, 120, 60, 0];
export const ago = (s) => s === 0 ? 'now' : `−${s / 60} min`;
const few = (u) => u.width < 420 ? minutes.filter((s) => s % 120 === 0) : minutes;

// Steps of an axis: round numbers, or round numbers of 1024; a log axis has powers of ten alone.
const TENS = [-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].flatMap((e) => [1, 2, 5].map((n) => n * 10 ** e));
const BINARY = Array.from({ length: 50 }, (_, e) => 2 ** e);
const powers = (u, i, min, max) => Array.from({ length: Math.round(Math.log10(max / min)) + 1 }, (_, n) => min * 10 ** n);

function axes({ format, binary, log }, font) {
  const common = { stroke: () => color('soft'), font, ticks: { show: false }, grid: { stroke: () => color('line'), width: 1 } };
  return [
    { ...common, size: 24, gap: 4, grid: { show: false },
      splits: (u) => few(u).map((s) => u.scales.x.max - s), values: (u) => few(u).map(ago),
      align: 0 },
    { ...common, size: 58, gap: 6, values: (u, splits) => splits.map((v) => v == null ? '' : format(v)), space: 34,
      ...(log ? { splits: powers } : { incrs: binary ? BINARY : TENS }) },
  ];
}

// options: series: [{color, fill: opacity, width}], from the back to the front; format: of the y axis, which reaches as far as least;
// log: by powers of ten; binary: by powers of two; bars; on_point(index or null): what the pointer is at.
export class Chart {
  constructor(id, options) {
    this.element = document.getElementById(id);
    this.options = options;
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const log = options.log;
    this.plot = new uPlot({
      ...this.size(), padding: [10, 14, 0, 0], legend: { show: false }, pxAlign: 1,
      cursor: { sync: { key: 'leat' }, drag: { setScale: false, x: false, y: false }, y: false, points: { size: 7 } },
      scales: {
        x: { time: false, range: (u, min, max) => [max - WINDOW, max] },
        y: log ? { distr: 3, range: (u, min, max) => decades(min, max, options.least) }
          : { range: (u, min, max) => [0, Math.max(max * 1.08 || 0, options.least)] },
      },
      axes: axes(options, font),
      series: [{}, ...options.series.map((s) => ({
        stroke: () => color(s.color), width: s.width ?? 1.5, points: { show: false }, spanGaps: false,
        fill: s.fill ? () => color(s.color) + Math.round(255 * s.fill).toString(16).padStart(2, '0') : undefined,
        ...(options.bars ? { paths: uPlot.paths.bars({ size: [0.7, 6] }) } : {}),
      }))],
      hooks: { setCursor: [(u) => options.on_point?.(u.cursor.left >= 0 ? u.cursor.idx : null)] },
    }, [[0], ...options.series.map(() => [null])], this.element);
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(this.element);
    addEventListener('leat-theme', () => this.plot.redraw());
  }
  size() { return { width: Math.max(this.element.clientWidth, 100), height: Math.max(this.element.clientHeight, 80) }; }
  set(times, columns) { this.plot.setData([times, ...columns]); }
  describe(text) { this.element.setAttribute('aria-label', text); }
}

function decades(min, max, [least, most]) {
  const low = min > 0 ? Math.min(min, least) : least, high = max > 0 ? Math.max(max, most) : most;
  return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high))];
}

// Columns upon each other; the first is at the bottom, and comes out last, because it is drawn over the others.
export function stack(columns) {
  const sums = [];
  for (const [i, column] of columns.entries())
    sums.push(column.map((v, k) => v == null ? null : v + (i > 0 ? sums[i - 1][k] : 0)));
  return sums.reverse();
}

// A list of names, swatches and figures beside a chart; set([text, …]) fills it.
export class Legend {
  constructor(id, entries) {
    this.figures = entries.map(({ name, color: swatch }) => {
      const row = document.createElement('div'), term = document.createElement('dt'), figure = document.createElement('dd');
      const mark = document.createElement('i');
      mark.style.setProperty('--swatch', `var(--${swatch})`);
      term.append(mark, name);
      row.append(term, figure);
      document.getElementById(id).append(row);
      return figure;
    });
  }
  set(texts) { texts.forEach((text, i) => { this.figures[i].textContent = text; }); }
}
