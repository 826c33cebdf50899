// feed.js: the stream of frames, and what follows from two of them: rates, and percentiles of the time between.
//
//   frame ──► since the one before ──► a point of the history (300 of them: five minutes)
//
// The stream ends when the server does; then it is asked for again every second or so, for as long as the page is open.
export const WINDOW = 300;

const QUIET_MS = 4000;      // without a frame for so long it is gone, whatever the connection says

export class Feed extends EventTarget {
  constructor(address) {
    super();
    this.address = address;
    this.state = 'wait';
    this.last = 0;          // performance.now() of the newest frame
    this.tries = 0;
    this.open();
    setInterval(() => this.watch(), 500);
  }
  open() {
    clearTimeout(this.again);
    this.source?.close();
    this.opened = performance.now();
    this.source = new EventSource(this.address);
    this.source.addEventListener('look', (event) => this.take(event.data));
    this.source.addEventListener('error', () => this.retry());
  }
  take(text) {
    const frame = JSON.parse(text);
    this.last = performance.now();
    this.tries = 0;
    this.set('live');
    this.dispatchEvent(new CustomEvent('frame', { detail: frame }));
  }
  // A browser's own reconnection gives up on some answers (503: too many watch; 401): this one does not.
  retry() {
    this.source.close();
    this.set(this.last ? 'gone' : 'wait');
    clearTimeout(this.again);
    this.again = setTimeout(() => this.open(), Math.min(500 * 1.5 ** this.tries++, 3000));
  }
  watch() {
    const now = performance.now(), silent = now - this.last;
    if (this.state === 'live' && silent > QUIET_MS) this.retry();
    else if (this.source.readyState !== EventSource.CLOSED && silent > 3 * QUIET_MS && now - this.opened > 2 * QUIET_MS) this.retry();
    this.dispatchEvent(new CustomEvent('tick', { detail: { silent: this.last ? silent / 1000 : 0 } }));
  }
  set(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}

// ── Histograms: a Map of upper bound to how many, of what came between two frames ──

export function since(now, then) {
  const before = new Map(then?.buckets ?? []), more = new Map();
  for (const [bound, n] of now?.buckets ?? []) {
    const d = n - (before.get(bound) ?? 0);
    if (d > 0) more.set(bound, d);
  }
  return more;
}
export function merge(maps) {
  const all = new Map();
  for (const map of maps)
    for (const [bound, n] of map) all.set(bound, (all.get(bound) ?? 0) + n);
  return all;
}
// The middle of the bucket in which it lies: buckets are 3 to 6% wide.
export function quantile(map, part) {
  const sorted = [...map].sort((a, b) => a[0] - b[0]);
  const all = sorted.reduce((sum, [, n]) => sum + n, 0);
  let below = 0;
  for (const [bound, n] of sorted)
    if ((below += n) >= part * all) return bound * 0.977;
  return null;
}
export const total = (map) => { let n = 0; for (const value of map.values()) n += value; return n; };

// ── The history ──

const HISTOGRAMS = ['duration', 'turn', 'lateness', 'first_byte', 'head', 'write'];
const RATES = { rps: 'http_requests_answered_total', received: 'received_bytes_total', sent: 'sent_bytes_total',
  user: 'process_cpu_user_seconds_total', system: 'process_cpu_system_seconds_total', minor: 'page_faults_minor_total',
  major: 'page_faults_major_total', accepted: 'connections_accepted_total', resets: 'connection_resets_total',
  timeouts: 'connection_timeouts_total', bad: 'http_bad_requests_total', waited: 'context_switches_voluntary_total',
  pushed: 'context_switches_involuntary_total' };

const sum = (object) => Object.values(object).reduce((a, b) => a + b, 0);
const failed = (frame) => frame.routes.reduce((n, route) => n + route.classes['5xx'], 0);

export class History {
  constructor() { this.points = []; this.frame = null; }

  // The point of this frame; one without figures where the server was gone, or was started anew.
  add(frame) {
    const then = this.frame;
    const anew = then && (then.pid !== frame.pid || frame.uptime_s < then.uptime_s);
    const dt = then ? frame.time - then.time : 0;
    this.frame = frame;
    if (then && !anew && dt < 0.05) return null;
    if (!then || anew || dt > 5) {
      this.push({ time: frame.time, gap: true });
      this.anew = anew || !then;
      return null;
    }
    const point = { time: frame.time, dt, states: frame.states };
    for (const [name, metric] of Object.entries(RATES))
      point[name] = Math.max(0, frame.metrics[metric] - then.metrics[metric]) / dt;
    for (const name of HISTOGRAMS) point[name] = since(frame.histograms[name], then.histograms[name]);
    point.failed = Math.max(0, failed(frame) - failed(then));
    point.refused = Math.max(0, sum(frame.refused) - sum(then.refused));
    point.requests = total(point.duration);
    point.pause = point.turn.size ? Math.max(...point.turn.keys()) : null;
    point.routes = new Map(frame.routes.map((route) => [route.method + ' ' + route.route, [route.requests, route.sum_s]]));
    this.push(point);
    const short = merge(this.recent(10).map((p) => p.duration));    // of ten seconds: one has too few for 99 of 100
    point.p50 = quantile(short, 0.5);
    point.p99 = quantile(short, 0.99);
    return point;
  }
  push(point) {
    this.points.push(point);
    while (this.points.length > WINDOW + 2 || this.points[0].time < point.time - WINDOW - 2) this.points.shift();
  }
  // Of the last so many seconds, those with figures.
  recent(s) {
    const from = (this.frame?.time ?? 0) - s + 0.5, found = [];
    for (let i = this.points.length - 1; i >= 0 && this.points[i].time >= from && !this.points[i].gap; i--) found.unshift(this.points[i]);
    return found;
  }
  column(name) { return this.points.map((point) => point.gap ? null : point[name]); }
}
