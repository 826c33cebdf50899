// heat.js: how long requests take, second by second: across goes time, upward duration (by powers of ten), and the stronger the colour, the
// more requests took so long in that second. Two lines go through it: what half took at most, and 99 of 100.
import { WINDOW } from './feed.js';
import { ago, color } from './charts.js';
import { count, seconds, time } from './format.js';

const PARTS = 18;                     // rows of a power of ten
const BUCKET = Math.log10(1.046);     // the width of a bucket, about: it is spread over the rows that it lies on
const LEFT = 58, RIGHT = 14, TOP = 8, BOTTOM = 24;
const STEPS = 64;
const LEAST = -6;                     // what took less than a microsecond counts as one

// From the page's five colours to as many as are drawn with.
function ramp() {
  const stops = [0, 1, 2, 3, 4].map((i) => color(`heat-${i}`).match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16)));
  return Array.from({ length: STEPS }, (_, i) => {
    const at = 4 * i / (STEPS - 1), n = Math.min(3, Math.floor(at)), f = at - n;
    return `rgb(${stops[n].map((c, k) => Math.round(c + (stops[n + 1][k] - c) * f)).join(' ')})`;
  });
}

function rows_of(duration) {
  const rows = new Map();
  for (const [bound, n] of duration) {
    const high = Math.max(Math.log10(bound), LEAST + BUCKET) * PARTS, low = high - BUCKET * PARTS;
    for (let row = Math.floor(low); row < high; row++) {
      const part = (Math.min(high, row + 1) - Math.max(low, row)) / (high - low);
      if (part > 0) rows.set(row, (rows.get(row) ?? 0) + n * part);
    }
  }
  return rows;
}

export class Heat {
  constructor(canvas, readout) {
    this.canvas = canvas;
    this.readout = readout;
    this.quiet = readout.textContent;
    this.points = [];
    this.rows = new WeakMap();
    this.colors = ramp();
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    addEventListener('leat-theme', () => { this.colors = ramp(); this.draw(); });
    canvas.addEventListener('pointermove', (event) => this.read(event.offsetX, event.offsetY));
    canvas.addEventListener('pointerleave', () => { readout.textContent = this.quiet; });
  }
  set(points, now) {
    this.points = points.filter((point) => !point.gap);
    this.now = now;
    for (const point of this.points) if (!this.rows.has(point)) this.rows.set(point, rows_of(point.duration));
    this.draw();
  }
  // Whole powers of ten that hold all there is; three of them when there is nothing.
  bounds() {
    let low = Infinity, high = -Infinity, most = 0;
    for (const point of this.points)
      for (const [row, n] of this.rows.get(point)) {
        if (n < 1e-3) continue;
        low = Math.min(low, row); high = Math.max(high, row + 1); most = Math.max(most, n);
      }
    if (low === Infinity) { low = -5 * PARTS; high = -2 * PARTS; }
    const from = Math.floor(low / PARTS + 0.02), to = Math.max(Math.ceil(high / PARTS - 0.02), from + 2);
    Object.assign(this, { from, to, most });
  }
  x(t) { return LEFT + (1 - (this.now - t) / WINDOW) * (this.width - LEFT - RIGHT); }
  y(exponent) { return TOP + (this.to - exponent) / (this.to - this.from) * (this.height - TOP - BOTTOM); }

  draw() {
    const box = this.canvas.parentElement, scale = devicePixelRatio || 1;
    this.width = box.clientWidth; this.height = box.clientHeight;
    if (this.width < 50 || this.height < 50) return;
    this.canvas.width = Math.round(this.width * scale); this.canvas.height = Math.round(this.height * scale);
    const g = this.canvas.getContext('2d');
    g.scale(scale, scale);
    g.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    this.bounds();
    this.draw_axes(g);
    this.draw_cells(g);
    this.draw_line(g, 'p50', 'half');
    this.draw_line(g, 'p99', '99%');
    if (this.points.length === 0) this.draw_empty(g);
  }
  draw_axes(g) {
    g.fillStyle = color('soft'); g.strokeStyle = color('line'); g.lineWidth = 1; g.textBaseline = 'middle'; g.textAlign = 'right';
    for (let e = this.from; e <= this.to; e++) {
      const y = Math.round(this.y(e)) + 0.5;
      g.beginPath(); g.moveTo(LEFT, y); g.lineTo(this.width - RIGHT, y); g.stroke();
      g.fillText(seconds(10 ** e), LEFT - 7, Math.max(y, 8));
    }
    g.textAlign = 'center'; g.textBaseline = 'alphabetic';
    for (const s of this.width < 420 ? [240, 120] : [240, 180, 120, 60]) g.fillText(ago(s), this.x((this.now ?? 0) - s), this.height - 7);
    g.textAlign = 'right';
    g.fillText('now', this.width - RIGHT, this.height - 7);
  }
  draw_cells(g) {
    const cell = (this.width - LEFT - RIGHT) / WINDOW, row_height = (this.y(0) - this.y(1)) / PARTS;
    const scale = (STEPS - 1) / Math.log1p(this.most * 2);
    for (const point of this.points) {
      const x = this.x(point.time - point.dt);
      if (x < LEFT - cell) continue;
      const w = Math.max(cell * point.dt, 1) + 0.4;
      for (const [row, n] of this.rows.get(point)) {
        if (n < 0.05) continue;
        g.fillStyle = this.colors[Math.min(STEPS - 1, Math.max(3, Math.round(Math.log1p(n * 2) * scale)))];
        g.fillRect(Math.max(x, LEFT), this.y((row + 1) / PARTS), w, row_height + 0.4);
      }
    }
  }
  draw_line(g, name, label) {
    let before = null, y = 0;
    g.lineJoin = 'round';
    g.beginPath();
    for (const point of this.points) {
      if (point[name] == null) { before = null; continue; }
      const x = Math.max(this.x(point.time - point.dt / 2), LEFT);
      y = this.y(Math.max(Math.log10(point[name]), LEAST));
      if (before == null || point.time - before > 3) g.moveTo(x, y); else g.lineTo(x, y);
      before = point.time;
    }
    g.strokeStyle = color('card'); g.lineWidth = 4; g.globalAlpha = 0.75; g.stroke(); g.globalAlpha = 1;
    g.strokeStyle = color(name === 'p99' ? 'orange' : 'ink'); g.lineWidth = 1.6; g.stroke();
    if (before == null) return;
    g.font = `600 ${g.font.replace(/^600 /, '')}`; g.textAlign = 'right'; g.textBaseline = 'bottom';
    g.lineWidth = 4; g.strokeStyle = color('card');
    g.strokeText(label, this.width - RIGHT - 4, y - 4);
    g.fillStyle = color(name === 'p99' ? 'orange' : 'ink');
    g.fillText(label, this.width - RIGHT - 4, y - 4);
  }
  draw_empty(g) {
    g.fillStyle = color('soft'); g.textAlign = 'center'; g.textBaseline = 'middle'; g.font = g.font.replace('11px', '14px');
    g.fillText('no requests yet', LEFT + (this.width - LEFT - RIGHT) / 2, TOP + (this.height - TOP - BOTTOM) / 2);
  }
  read(x, y) {
    if (this.now == null) return;
    const t = this.now - (1 - (x - LEFT) / (this.width - LEFT - RIGHT)) * WINDOW;
    const row = Math.floor((this.to - (y - TOP) / (this.height - TOP - BOTTOM) * (this.to - this.from)) * PARTS);
    const point = this.points.find((p) => t > p.time - p.dt && t <= p.time);
    if (!point) { this.readout.textContent = this.quiet; return; }
    const n = Math.round(this.rows.get(point).get(row) ?? 0);
    this.readout.textContent = `${time(point.time)}: ${count(n)} of ${count(point.requests)} took ` +
      `${seconds(10 ** (row / PARTS))} to ${seconds(10 ** ((row + 1) / PARTS))}`;
  }
}
