import { createServer, type Server } from 'node:http';
import type { FileEvent, WorkerEvent } from '../estimators/cluster.ts';
import { EngineError, VERSION } from '../estimators/index.ts';
import { usageError } from './errors.ts';

/*
 * Counters of a worker in the text format of Prometheus (version 0.0.4), over HTTP: shards done, failed and duplicate,
 * seconds, and how many are in flight.
 */

const WHERE = 'ensample worker';

/** Counters by the kind of event that moves them, and what they say. */
const COUNTERS: readonly (readonly [kind: WorkerEvent['kind'], name: string, help: string])[] = [
  ['done', 'done', 'Shards computed.'],
  ['failed', 'failed', 'Shards that fail whoever computes them.'],
  ['retry', 'retried', 'Shards that ended their thread, or took too long.'],
  ['duplicate', 'duplicate', 'Shards computed twice, with equal bytes.'],
  ['conflict', 'conflicting', 'Shards computed twice, with other bytes.'],
  ['skipped', 'skipped', 'Shards that somebody else had done.'],
  ['handed-back', 'handed_back', 'Shards given back when the worker was stopped.'],
];

/** Bounds of the histogram of seconds. */
const BOUNDS = [0.01, 0.1, 1, 10, 60, 600, 3600];

/** What a worker counts. */
export interface WorkerCounts {
  event(event: WorkerEvent | FileEvent): void;
  /** A shard that is computed. */
  during<T>(task: Promise<T>): Promise<T>;
  /** All of it, as Prometheus reads it. */
  text(): string;
}

/** Counts nothing yet. */
export function workerCounts(threads: number): WorkerCounts {
  const totals = new Map<string, number>();
  const seconds: number[] = new Array(BOUNDS.length).fill(0);
  let [measured, sum, flying] = [0, 0, 0];
  return {
    event({ kind, milliseconds }) {
      totals.set(kind, (totals.get(kind) ?? 0) + 1);
      if (kind !== 'done' || milliseconds === undefined) return;
      measured++;
      sum += milliseconds / 1000;
      BOUNDS.forEach((bound, i) => {
        if (milliseconds / 1000 <= bound) seconds[i]!++;
      });
    },
    async during(task) {
      flying++;
      try {
        return await task;
      } finally {
        flying--;
      }
    },
    text() {
      const counters = COUNTERS.flatMap(([kind, name, help]) =>
        metric(`ensample_shards_${name}_total`, 'counter', help, [['', totals.get(kind) ?? 0]]),
      );
      const buckets = BOUNDS.map((bound, i) => [`_bucket{le="${bound}"}`, seconds[i]!] as const);
      const lines = [
        ...counters,
        ...metric('ensample_shard_seconds', 'histogram', 'Seconds of a shard that was computed.', [
          ...buckets,
          ...([
            ['_bucket{le="+Inf"}', measured],
            ['_sum', sum],
            ['_count', measured],
          ] as const),
        ]),
        ...metric('ensample_shards_in_flight', 'gauge', 'Shards that this worker has now.', [['', flying]]),
        ...metric('ensample_worker_threads', 'gauge', 'Threads that compute.', [['', threads]]),
        ...metric('ensample_worker_info', 'gauge', 'What computes.', [[`{version="${VERSION}"}`, 1]]),
      ];
      return `${lines.join('\n')}\n`;
    },
  };
}

function metric(
  name: string,
  type: string,
  help: string,
  values: readonly (readonly [suffix: string, value: number])[],
): readonly string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...values.map(([suffix, value]) => `${name}${suffix} ${value}`),
  ];
}

/** Where metrics are served: '9464' on this machine only, '0.0.0.0:9464' for others. 0 takes a free port. */
export interface MetricsPlace {
  readonly host: string;
  readonly port: number;
}

/** @throws OptionError for what is neither a port nor an address with one. */
export function readMetrics(text: string | undefined): MetricsPlace | undefined {
  if (text === undefined) return undefined;
  const [, host = '127.0.0.1', port = ''] = /^(?:(\[[0-9a-f:.]+\]|[^:[\]]+):)?(\d{1,5})$/i.exec(text) ?? [];
  if (port !== '' && Number(port) <= 65_535)
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  throw usageError(WHERE, '--metrics', text, 'a port, or host:port', 'Try --metrics 9464.');
}

/** A server of metrics. */
export interface MetricsServer {
  /** 'http://127.0.0.1:9464/metrics' */
  readonly url: string;
  close(): Promise<void>;
}

/** Answers GET /metrics and nothing else. @throws EngineError when the port cannot be had. */
export async function serveMetrics({ host, port }: MetricsPlace, text: () => string): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    request.resume();
    const there = request.url === '/metrics';
    if (!there || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(there ? 405 : 404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(there ? 'GET only\n' : 'metrics are at /metrics\n');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(request.method === 'HEAD' ? undefined : text());
  });
  await listening(server, host, port);
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${own}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new EngineError('metrics', {
          where: WHERE,
          found: `port ${port} of ${host} ${taken ? 'is taken by another program' : `cannot be had (${cause.code ?? cause.message})`}`,
          expected: 'a free port for metrics',
          fix: 'Choose another with --metrics, or 0 for any free one.',
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}
