// tables.js: what is told in rows: routes, what the doctor says, events.
import { count, plural, rate, seconds, time } from './format.js';

const SHOWN = 14;

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text != null) element.textContent = text;
  return element;
}

// ── Routes ──

const last = (history, route) => {
  const points = history.recent(60).filter((point) => point.routes), key = route.method + ' ' + route.route;
  const from = points[0]?.routes.get(key), to = points.at(-1)?.routes.get(key);
  if (!from || !to || points.length < 2) return { rps: null, mean: null };
  const n = to[0] - from[0];
  return { rps: n / (points.at(-1).time - points[0].time), mean: n > 0 ? (to[1] - from[1]) / n : null };
};

const COLUMNS = [
  { name: 'Route', key: 'name', title: 'method and pattern' },
  { name: 'per s', key: 'rps', show: rate, title: 'requests per second in the last minute' },
  { name: 'all', key: 'requests', show: count, wide: true, title: 'requests since the start' },
  { name: 'mean', key: 'mean', show: seconds, wide: true, title: 'mean duration in the last minute' },
  { name: 'half', key: 'p50_s', show: seconds, wide: true, title: 'half took at most this, since the start' },
  { name: '99%', key: 'p99_s', show: seconds, bar: true, title: '99 of 100 took at most this, since the start' },
  { name: 'most', key: 'max_s', show: seconds, wide: true, title: 'the longest since the start' },
  { name: '4xx', key: 'c4', show: count, wide: true, title: "answered with a client's error" },
  { name: '5xx', key: 'c5', show: count, bad: true, title: "answered with a server's error" },
];

export class Routes {
  constructor(head, body, note, all) {
    Object.assign(this, { body, note, all, key: 'p99_s', down: true, open: false });
    for (const column of COLUMNS) {
      const th = make('th', column.wide ? 'wide' : ''), button = make('button', '', column.name);
      th.scope = 'col';
      button.type = 'button';
      button.title = column.title;
      button.addEventListener('click', () => this.sort(column.key));
      th.append(button);
      th.dataset.key = column.key;
      head.append(th);
    }
    this.head = head;
    all.addEventListener('click', () => { this.open = !this.open; this.draw(); });
  }
  sort(key) {
    this.down = key === this.key ? !this.down : key !== 'name';
    this.key = key;
    this.draw();
  }
  set(frame, history) {
    this.rows = frame.routes.map((route) => ({ ...route, ...last(history, route), name: route.route || 'no route (404, 405 …)',
      c4: route.classes['4xx'], c5: route.classes['5xx'] }));
    this.draw();
  }
  draw() {
    if (!this.rows) return;
    for (const th of this.head.children)
      th.setAttribute('aria-sort', th.dataset.key !== this.key ? 'none' : this.down ? 'descending' : 'ascending');
    const called = this.rows.filter((row) => row.requests > 0), sign = this.down ? -1 : 1;
    called.sort((a, b) => sign * (this.key === 'name' ? a.name.localeCompare(b.name) : (a[this.key] ?? -1) - (b[this.key] ?? -1)));
    const most = Math.max(...called.map((row) => row.p99_s), 1e-9), shown = this.open ? called : called.slice(0, SHOWN);
    this.body.replaceChildren(...shown.map((row) => this.row(row, most)));
    if (called.length === 0) {
      const td = make('td', 'soft empty', 'no requests yet');
      td.colSpan = COLUMNS.length;
      const tr = make('tr');
      tr.append(td);
      this.body.append(tr);
    }
    const never = this.rows.length - called.length;
    this.note.textContent = plural(called.length, 'route', 'routes') + (never ? `, ${count(never)} never asked for` : '');
    this.all.hidden = called.length <= SHOWN;
    this.all.textContent = this.open ? `Show ${SHOWN}` : `Show all ${called.length}`;
    this.all.setAttribute('aria-expanded', this.open);
  }
  row(row, most) {
    const tr = make('tr');
    for (const column of COLUMNS) {
      const td = make(column.key === 'name' ? 'th' : 'td', column.wide ? 'wide' : '');
      if (column.key === 'name') {
        td.scope = 'row';
        td.title = `${row.method} ${row.name}`;
        const line = make('span', 'route'), pattern = make('span', row.route ? 'pattern' : 'soft');
        for (const part of row.name.split(/(?<=\/)/)) pattern.append(part, make('wbr'));     // a long one breaks behind a slash
        if (row.method) line.append(make('span', 'method', row.method));
        line.append(pattern);
        td.append(line);
      } else {
        td.textContent = column.show(row[column.key]);
      }
      if (column.bad && row[column.key] > 0) td.classList.add('bad');
      if (column.bar) {
        td.classList.add('bar');
        td.style.setProperty('--part', Math.max(0, 1 + Math.log10(Math.max(row.p99_s, 1e-9) / most) / 4));
      }
      tr.append(td);
    }
    return tr;
  }
}

// ── The doctor ──

const RANK = { bad: 0, warning: 1, note: 2, good: 3 }, SAID = { bad: 'bad', warning: 'warning', note: 'note', good: 'good' };

export function show_doctor(list, findings) {
  const ill = findings.filter((f) => f.state !== 'good').sort((a, b) => (RANK[a.state] ?? 9) - (RANK[b.state] ?? 9));
  const text = JSON.stringify(findings);
  if (list.dataset.shown === String(text.length) + text.slice(0, 64)) return;
  list.dataset.shown = String(text.length) + text.slice(0, 64);
  list.replaceChildren(...ill.map((f) => {
    const item = make('li', f.state), head = make('p');
    head.append(make('span', 'badge', SAID[f.state] ?? f.state), ' ', make('b', '', f.what), ' ', make('span', 'soft', f.group));
    item.append(head);
    if (f.found) item.append(make('p', '', f.found));
    if (f.remedy) item.append(make('p', 'remedy', f.remedy));
    return item;
  }));
  const good = findings.length - ill.length;
  if (findings.length === 0) list.append(make('li', 'soft', 'Nobody has asked it. `leat doctor` tells what this machine does to a server.'));
  else if (good > 0) list.append(make('li', 'soft', `${ill.length ? 'and ' : ''}${plural(good, 'thing is', 'things are')} as they should be`));
}

// ── Events ──

export function show_events(list, events) {
  const newest = [];                // the same again is told once, with how often
  for (const event of [...events].sort((a, b) => b.time - a.time)) {
    const before = newest.at(-1);
    if (before?.text === event.text && before.level === event.level) before.times++;
    else newest.push({ ...event, times: 1 });
  }
  list.replaceChildren(...newest.map((event) => {
    const item = make('li', event.level), at = make('time', 'soft', time(event.time));
    at.dateTime = new Date(event.time * 1000).toISOString();
    item.append(at, ' ', make('span', 'badge', event.level), ' ', make('span', '', event.text));
    if (event.times > 1) item.append(' ', make('span', 'soft', `× ${event.times}`));
    return item;
  }));
  if (newest.length === 0) list.append(make('li', 'soft', 'No events. That is a good sign.'));
}
