// app.js: the page: takes each frame, and tells every part what it shows.
import { Chart, Legend, stack } from './charts.js';
import { Feed, History, merge, quantile, total } from './feed.js';
import { age, bytes, count, plural, rate, seconds, share, time } from './format.js';
import { Heat } from './heat.js';
import { Leat } from './leat.js';
import { Routes, show_doctor, show_events } from './tables.js';

const at = (id) => document.getElementById(id);
const say = (id, text) => { const element = at(id); if (element.textContent !== text) element.textContent = text; };
const history = new History();

// ── The parts ──

const STATES = [['idle', 'sky', (s) => s.idle], ['reading', 'blue', (s) => s.head + s.content], ['running', 'green', (s) => s.running],
  ['waiting', 'amber', (s) => s.waiting], ['writing', 'purple', (s) => s.writing], ['closing', 'grey', (s) => s.lingering + s.closed]];

const pointed = (legend, columns, format) => (i) => legend.set(columns().map((column) => format(column[i ?? column.length - 1])));
const column = (name) => history.column(name);
const state_columns = () => STATES.map(([, , of]) => history.points.map((p) => p.gap ? null : of(p.states)));

const charts = {};
const legends = {
  states: new Legend('states', STATES.map(([name, color]) => ({ name, color }))),
  net: new Legend('net-legend', [{ name: 'in', color: 'blue' }, { name: 'out', color: 'orange' }]),
  cpu: new Legend('cpu-legend', [{ name: 'our own code', color: 'green' }, { name: 'kernel', color: 'amber' }]),
};
const fill = {
  states: pointed(legends.states, state_columns, count),
  net: pointed(legends.net, () => [column('received'), column('sent')], (v) => bytes(v) + '/s'),
  cpu: pointed(legends.cpu, () => [column('user'), column('system')], (v) => v == null ? '–' : v.toFixed(2)),
};
let heat, leat, routes;

function make_parts() {
  charts.rate = new Chart('chart-rate', { series: [{ color: 'water', fill: 0.22, width: 2 }], format: count, least: 10, on_point: note_rate });
  charts.pause = new Chart('chart-pause', { series: [{ color: 'water', fill: 0.9, width: 0 }], format: seconds, log: true, bars: true,
    least: [1e-5, 1e-2] });
  charts.states = new Chart('chart-states', { series: [...STATES].reverse().map(([, color]) => ({ color, fill: 0.85, width: 1 })),
    format: count, least: 4, on_point: fill.states });
  charts.net = new Chart('chart-net', { series: [{ color: 'blue', fill: 0.15 }, { color: 'orange' }], format: bytes, least: 1024, binary: true,
    on_point: fill.net });
  charts.cpu = new Chart('chart-cpu', { series: [{ color: 'amber', fill: 0.5 }, { color: 'green', fill: 0.6 }],
    format: (v) => String(Number(v.toFixed(2))), least: 0.1, on_point: fill.cpu });
  heat = new Heat(at('heat'), at('heat-read'));
  leat = new Leat(at('leat'), at('leat-note'));
  routes = new Routes(at('routes-head'), at('routes'), at('routes-note'), at('routes-all'));
}

function note_rate(i) {
  const point = history.points[i ?? -1];
  if (point && !point.gap) say('rps-note', `${time(point.time)}: ${rate(point.rps)} per second`);
  else if (history.frame) say('rps-note', `${count(history.frame.metrics.http_requests_answered_total)} since the start`);
}

// [[name, figure, what is wrong with it], …] as a list of terms; the rows are made once.
function figures(id, rows) {
  const list = at(id);
  while (list.children.length < rows.length) {
    const row = document.createElement('div');
    row.append(document.createElement('dt'), document.createElement('dd'));
    list.append(row);
  }
  rows.forEach(([name, figure, wrong], i) => {
    const [dt, dd] = list.children[i].children;
    if (dt.textContent !== name) dt.textContent = name;
    if (dd.textContent !== figure) dd.textContent = figure;
    list.children[i].classList.toggle('bad', Boolean(wrong));
  });
}

// ── A frame ──

const mean_of = (points, name) => points.length ? points.reduce((n, p) => n + p[name] * p.dt, 0) / points.reduce((n, p) => n + p.dt, 0) : null;
const sum_of = (points, name) => points.reduce((n, p) => n + p[name], 0);

function show_head(f) {
  say('name', f.name);
  say('about', `Leat ${f.version} · ${f.loop} · ${plural(f.shards, 'shard', 'shards')} · process ${f.pid} · up ${age(f.uptime_s)}`);
  say('version', f.version);
  say('frame-time', `figures of ${time(f.time)}`);
}

function show_tiles(f, now) {
  const m = f.metrics, short = history.recent(10), minute = history.recent(60), durations = merge(short.map((p) => p.duration));
  const rps = now ? now.rps : null, some = total(durations) > 0;
  say('rps', rate(rps));
  document.title = rps == null ? f.name : `${rate(rps)}/s · ${f.name}`;
  say('p50', some ? seconds(quantile(durations, 0.5)) : '–');
  say('p99', some ? seconds(quantile(durations, 0.99)) : '–');
  say('p99-note', some ? `99.9% within ${seconds(quantile(durations, 0.999))}` : 'no requests in the last 10 s');
  say('open', count(m.connections_open));
  say('open-note', `of ${count(m.connections_limit)} · ${rate(mean_of(short, 'accepted') ?? 0)} new per second`);
  const failed = sum_of(minute, 'failed') + sum_of(minute, 'refused'), asked = sum_of(minute, 'requests');
  say('errors', count(failed));
  say('errors-note', failed ? `in a minute: ${share(failed / Math.max(asked, failed))} of all` : '5xx and 503 in the last minute');
  at('tile-errors').classList.toggle('bad', failed > 0);
  const busy = now ? now.user + now.system : null;
  say('cpu', busy == null ? '–' : busy.toFixed(2));
  say('cpu-note', busy != null && rps > 50 ? `processors · ${seconds(busy / rps)} a request` : 'processors in use');
  say('rss', bytes(f.plan.resident_bytes));
  say('rss-note', `of ${bytes(f.plan.ours_bytes)} planned, resident`);
}

function show_heat(f) {
  const durations = merge(history.recent(60).map((p) => p.duration)), some = total(durations) > 0;
  heat.set(history.points, f.time);
  const of = (part) => some ? seconds(quantile(durations, part)) : '–';
  figures('heat-figures', [['half', of(0.5)], ['90%', of(0.9)], ['99%', of(0.99)], ['99.9%', of(0.999)],
    ['most', some ? seconds(Math.max(...durations.keys())) : '–'], ['requests', count(total(durations))]]);
  at('heat').setAttribute('aria-label', `Heat map of request durations over five minutes. In the last minute half took at most ${of(0.5)}, ` +
    `99% at most ${of(0.99)}, 99.9% at most ${of(0.999)}.`);
}

// Shorter than a clock can tell: it took no time.
const took = (s) => s < 1e-7 ? 'at once' : seconds(s);

function show_pause(f) {
  const lasts = f.silent_shards ? f.metrics.shard_silence_seconds : 0;      // one that is not over is in no histogram
  const minute = history.recent(60), longest = Math.max(lasts, ...minute.map((p) => p.pause ?? 0));
  say('pause', minute.length ? seconds(longest) : '–');
  const of = (name) => { const h = merge(minute.map((p) => p[name])); return total(h) ? took(quantile(h, 0.99)) : '–'; };
  figures('phases', [['turns, 99%', of('turn')], ['timers late, 99%', of('lateness')], ['to the first octet, 99%', of('first_byte')],
    ['head, 99%', of('head')], ['writing, 99%', of('write')]]);
}

function show_charts(f) {
  const times = history.points.map((p) => p.time);
  charts.rate.set(times, [column('rps')]);
  charts.pause.set(times, [column('pause')]);
  charts.states.set(times, stack(state_columns()));
  charts.net.set(times, [column('received'), column('sent')]);
  charts.cpu.set(times, stack([column('user'), column('system')]));
  for (const [name, chart] of Object.entries({ states: charts.states, net: charts.net, cpu: charts.cpu }))
    if (chart.plot.cursor.left < 0) fill[name](null);
  if (charts.rate.plot.cursor.left < 0) note_rate(null);
  charts.rate.describe(`Requests per second over five minutes: now ${rate(history.points.at(-1)?.rps)}`);
  charts.states.describe('Connections by state: ' + STATES.map(([name, , of]) => `${name} ${of(f.states)}`).join(', '));
}

function show_process(f, now) {
  const m = f.metrics, minute = history.recent(60);
  figures('process', [
    ['resident', `${bytes(m.process_resident_memory_bytes)} of ${bytes(f.plan.ours_bytes)}`, m.process_resident_memory_bytes > f.plan.ours_bytes],
    ['the kernel for us, at most', bytes(f.plan.kernel_bytes)],
    ['page faults', now ? `${rate(now.minor)}/s, of the disk ${rate(now.major)}/s` : '–', now && now.major > 0],
    ['switches, of its own / forced', now ? `${rate(now.waited)}/s / ${rate(now.pushed)}/s` : '–'],
    ['descriptors', `${count(m.process_open_fds)} of ${count(m.process_max_fds)}`, m.process_open_fds > 0.9 * m.process_max_fds],
    ['threads', count(m.process_threads)]]);
  figures('net', [['round trip', m.tcp_sampled_connections ? seconds(m.tcp_rtt_seconds) : '–'], ['sent again', share(m.tcp_retransmitted_ratio)],
    ['accept queue', `${count(m.accept_queue_length)} of ${count(m.accept_queue_limit)}`, m.accept_queue_length > 0.5 * m.accept_queue_limit],
    ['queue overflows, machine', count(m.network_listen_overflows_total)], ['TCP memory, machine', bytes(m.network_tcp_memory_bytes)]]);
  const c = m, n = (name) => sum_of(minute.map((p) => ({ v: p[name] * p.dt })), 'v');
  figures('troubles', [['bad requests', `${count(c.http_bad_requests_total)}`, n('bad') > 0.5], ['timeouts', count(c.connection_timeouts_total), n('timeouts') > 0.5],
    ['broken connections', count(c.connection_resets_total), n('resets') > 0.5],
    ...Object.entries(f.refused).filter(([, refused]) => refused > 0).map(([pool, refused]) => [`refused: ${pool}`, count(refused), true])]);
}

// ── What is to be said loudly ──

const alerts = new Map();       // key: [class, text]

function alarm(key, how, text) {
  const now = alerts.get(key)?.join();
  if (text) alerts.set(key, [how, text]); else alerts.delete(key);
  if (alerts.get(key)?.join() === now) return;
  at('alerts').replaceChildren(...[...alerts].map(([name, [kind, words]]) => {
    const p = document.createElement('p');
    p.className = `alert ${kind}`;
    p.dataset.key = name;
    p.textContent = words;
    return p;
  }));
}

let restarted_at = 0, known_pid = null;

function show_alarms(f) {
  const silence = f.metrics.shard_silence_seconds, minute = history.recent(60), refused = sum_of(minute, 'refused');
  alarm('silent', 'bad', f.silent_shards > 0 && `${f.silent_shards} of ${plural(f.shards, 'shard', 'shards')} ${f.silent_shards === 1 ? 'does' : 'do'} not answer` +
    `${silence >= 1 ? `, for ${age(silence)} now` : ''}: a handler holds the loop up, and all connections of that shard wait for it.`);
  alarm('draining', 'warn', f.metrics.draining && 'The server is draining: it accepts nothing new, and ends when what is under way has ended.');
  alarm('refused', 'warn', refused > 0 && `In the last minute ${plural(refused, 'request or connection was', 'requests or connections were')} refused, ` +
    `because a pool was empty: ${Object.entries(f.refused).filter(([, n]) => n > 0).map(([name]) => name).join(', ')}.`);
  alarm('plan', 'warn', f.plan.resident_bytes > f.plan.ours_bytes && 'More memory is resident than was planned.');
  if (known_pid !== null && known_pid !== f.pid) restarted_at = performance.now();
  known_pid = f.pid;
  alarm('restart', 'note', restarted_at && performance.now() - restarted_at < 60e3 &&
    `The server was started anew at ${time(f.time - f.uptime_s)}: its figures begin again.`);
}

function show_state(state) {
  const words = { wait: 'connecting', live: 'live', gone: 'no answer' };
  at('status').dataset.state = state;
  say('status', words[state]);
  document.body.classList.toggle('gone', state === 'gone');
  if (state === 'live') alarm('gone', 'bad', null);
  if (state === 'wait') say('about', 'connecting…');
}

function show_silence({ silent }) {
  if (at('status').dataset.state !== 'gone') return;
  const since = performance.timeOrigin + performance.now() - silent * 1000;
  alarm('gone', 'bad', `The server does not answer since ${time(since / 1000)}. What is below is how it was. It is asked again every few seconds.`);
  document.title = `no answer · ${at('name').textContent}`;
}

// ── Theme ──

const THEMES = ['auto', 'light', 'dark'];
const name_theme = () => say('theme', `Theme: ${window.leatTheme.choice()}`);
at('theme').addEventListener('click', () => {
  window.leatTheme.choose(THEMES[(THEMES.indexOf(window.leatTheme.choice()) + 1) % THEMES.length]);
  name_theme();
});
name_theme();

// ── Beginning ──

function take(f) {
  const now = history.add(f);
  if (now === null && history.points.length && !history.points.at(-1).gap) return;
  show_alarms(f);
  if (document.hidden) return;
  show_head(f);
  show_tiles(f, now);
  show_heat(f);
  show_pause(f);
  show_charts(f);
  leat.set(f, Boolean(now && now.rps > 0));
  show_process(f, now);
  routes.set(f, history);
  show_doctor(at('doctor'), f.doctor);
  show_events(at('events'), f.events);
}

make_parts();
const feed = new Feed('events');
feed.addEventListener('frame', (event) => take(event.detail));
feed.addEventListener('state', (event) => show_state(event.detail));
feed.addEventListener('tick', (event) => show_silence(event.detail));
show_state('wait');
