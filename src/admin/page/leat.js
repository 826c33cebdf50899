// leat.js: the pools as pounds of a leat, each a step lower than the one before: water stands as high as a pool is in use, and runs over
// the weir when it is full. The gauge is by the square root, so that one of a thousand is to be seen.
import { bytes, count, plural } from './format.js';

const level = (part) => 100 * Math.sqrt(Math.min(1, Math.max(0, part)));
const MARKS = [[0.01, '1%'], [0.1, '10%'], [0.5, '50%'], [1, '']];
const HIGH = 0.8, FULL = 0.97;
const WAVE = 'M0 6 C 15 0 25 0 40 6 S 65 12 80 6 S 105 0 120 6 S 145 12 160 6 S 185 0 200 6 S 225 12 240 6 S 265 0 280 6 S 305 12 320 6 V 14 H 0 Z';

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function wave(className) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), path = document.createElementNS(svg.namespaceURI, 'path');
  svg.setAttribute('viewBox', '0 0 320 14');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', className);
  path.setAttribute('d', WAVE);
  svg.append(path);
  return svg;
}

class Pound {
  constructor(name, n) {
    this.water = make('div', 'water', wave('far'), wave('near'));
    this.mark = make('div', 'mark');
    const gauge = MARKS.map(([part, text]) => {
      const line = make('span', '', text);
      line.style.bottom = level(part) + '%';
      return line;
    });
    this.pound = make('div', 'pound', make('div', 'gauge', ...gauge), this.water, this.mark);
    this.pound.setAttribute('aria-hidden', 'true');
    this.use = make('span', 'use');
    this.more = make('span', 'soft');
    this.refused = make('span', 'refused');
    this.element = make('li', 'basin', this.pound, make('div', 'words', make('b', '', name), this.use, this.more, this.refused));
    this.element.style.setProperty('--i', n);
  }
  set(pool, refused_before) {
    const part = pool.limit ? pool.in_use / pool.limit : 0;
    this.water.style.height = (pool.in_use ? Math.max(level(part), 3) : 0) + '%';
    this.mark.hidden = pool.high === 0;
    this.mark.style.bottom = level(pool.limit ? pool.high / pool.limit : 0) + '%';
    this.element.dataset.state = part >= FULL ? 'full' : part >= HIGH ? 'high' : pool.in_use ? 'some' : 'dry';
    this.use.textContent = `${count(pool.in_use)} of ${count(pool.limit)}`;
    this.more.textContent = `most ${count(pool.high)} · ${bytes(pool.object_bytes * pool.limit)}`;
    this.refused.textContent = pool.refused ? `refused ${count(pool.refused)}` : '';
    this.element.classList.toggle('spills', pool.refused > (refused_before ?? pool.refused));
  }
}

export class Leat {
  constructor(list, note) { this.list = list; this.note = note; this.pounds = new Map(); this.refused = new Map(); }
  set(frame, runs) {
    const names = frame.pools.map((pool) => pool.name);
    if (names.join() !== [...this.pounds.keys()].join()) {
      this.pounds = new Map(names.map((name, n) => [name, new Pound(name, n)]));
      this.list.replaceChildren(...[...this.pounds.values()].map((pound) => pound.element));
      this.refused.clear();
    }
    for (const pool of frame.pools) {
      this.pounds.get(pool.name).set(pool, this.refused.get(pool.name));
      this.refused.set(pool.name, pool.refused);
    }
    this.list.classList.toggle('runs', runs);
    const full = frame.pools.filter((pool) => pool.limit && pool.in_use / pool.limit >= FULL).map((pool) => pool.name);
    this.note.textContent = full.length ? `full: ${full.join(', ')}`
      : `${plural(names.length, 'pool', 'pools')} · ${bytes(frame.plan.resident_bytes)} resident of ${bytes(frame.plan.ours_bytes)} dug`;
  }
}
