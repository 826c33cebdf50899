'use strict';
// The lab's routes on node:http, with nothing but what Node brings. One process; with LAB_WORKERS over 1 node:cluster
// starts so many, as Node's documentation has it.
const cluster = require('node:cluster');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { PerformanceObserver, constants } = require('node:perf_hooks');
const { pipeline } = require('node:stream');
const v8 = require('node:v8');

const port = Number(process.env.LAB_PORT);
const workers = Number(process.env.LAB_WORKERS || 1);
const files = path.resolve(process.env.LAB_FILES || '.');
const uploadMax = 20 << 20;
const types = { '.html': 'text/html', '.bin': 'application/octet-stream' };

// What V8 tells of its collections: perf_hooks, in milliseconds.
const collections = { count: 0, max: 0, total: 0, byKind: {} };
const kinds = {
    [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
    [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
    [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
    [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak callbacks',
};
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
        const kind = kinds[entry.detail.kind];
        collections.count++;
        collections.total += entry.duration;
        collections.max = Math.max(collections.max, entry.duration);
        collections.byKind[kind] = (collections.byKind[kind] || 0) + 1;
    }
}).observe({ entryTypes: ['gc'] });

function figures() {
    const memory = process.memoryUsage();
    return {
        allocations: null,
        frees: null,
        heap_bytes: memory.heapUsed,
        heap_total_bytes: memory.heapTotal,
        external_bytes: memory.external,
        malloced_bytes: v8.getHeapStatistics().malloced_memory,
        gc_count: collections.count,
        gc_kinds: collections.byKind,
        gc_pause_max_s: collections.max / 1e3,
        gc_pause_total_s: collections.total / 1e3,
        source: "process.memoryUsage() and perf_hooks' 'gc' entries; V8 does not count allocations",
    };
}

function answer(response, status, type, text) {
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
}

function upload(request, response) {
    let size = 0;
    request.on('data', (piece) => {
        size += piece.length;
        if (size > uploadMax) request.destroy();
    });
    request.on('end', () => answer(response, 200, 'text/plain', String(size)));
}

function sendFile(response, name) {
    const full = path.join(files, path.normalize('/' + decodeURIComponent(name)));
    fs.stat(full, (error, stat) => {
        if (error || !stat.isFile()) {
            answer(response, 404, 'text/plain', 'Not Found');
            return;
        }
        const type = types[path.extname(full)] || 'application/octet-stream';
        response.writeHead(200, { 'Content-Type': type, 'Content-Length': stat.size });
        pipeline(fs.createReadStream(full), response, () => {});
    });
}

function serve(request, response) {
    const target = request.url;
    if (request.method === 'POST' && target === '/upload') upload(request, response);
    else if (request.method !== 'GET') answer(response, 405, 'text/plain', 'Method Not Allowed');
    else if (target === '/plaintext') answer(response, 200, 'text/plain', 'Hello, World!');
    else if (target === '/json') answer(response, 200, 'application/json', JSON.stringify({ message: 'Hello, World!' }));
    else if (target === '/lab') answer(response, 200, 'application/json', JSON.stringify(figures()));
    else if (target.startsWith('/files/')) sendFile(response, target.slice('/files/'.length));
    else answer(response, 404, 'text/plain', 'Not Found');
}

if (workers > 1 && cluster.isPrimary) {
    for (let i = 0; i < workers; i++) cluster.fork();
    process.on('SIGTERM', () => {
        for (const worker of Object.values(cluster.workers)) worker.process.kill();
        process.exit(0);
    });
} else {
    // 5 s by default: too short to hold quiet connections. 0 keeps them for as long as the client does.
    http.createServer({ keepAliveTimeout: 0 }, serve).listen(port, '127.0.0.1');
}
