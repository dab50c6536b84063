import { afterEach, expect, test } from 'vitest';
import type { Terminal } from '../../cli/terminal.ts';
import { workerLog } from '../../cli/worker-log.ts';
import { type MetricsServer, readMetrics, serveMetrics, workerCounts } from '../../cli/worker-metrics.ts';

const RUN = '0123456789abcdef0123456789abcdef';
const servers: MetricsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A terminal that keeps what is written. */
function kept(): { readonly terminal: Terminal; readonly out: string[]; readonly err: string[] } {
  const [out, err]: string[][] = [[], []];
  const look = { width: 80 };
  const stream = (to: string[]): object => ({ write: (text: string) => to.push(text) > 0, look });
  return { terminal: { out: stream(out!), err: stream(err!) } as unknown as Terminal, out: out!, err: err! };
}

/** Values by name, as a reader of Prometheus takes them. */
function values(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => line.split(' ')).map(([name, value]) => [name, Number(value)]),
  );
}

test('worker --metrics: shards by what became of them, a histogram of seconds, and how many are in flight', async () => {
  const counts = workerCounts(3);
  for (const milliseconds of [4, 40, 90_000])
    counts.event({ kind: 'done', run: RUN, index: 0, milliseconds });
  for (const kind of ['failed', 'retry', 'retry', 'duplicate', 'conflict', 'skipped', 'handed-back'] as const)
    counts.event({ kind, run: RUN, index: 1 });
  let end = (): void => {};
  const flying = counts.during(
    new Promise<void>((resolve) => {
      end = resolve;
    }),
  );
  const failing = counts.during(Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(values(counts.text())).toMatchObject({
    ensample_shards_done_total: 3,
    ensample_shards_failed_total: 1,
    ensample_shards_retried_total: 2,
    ensample_shards_duplicate_total: 1,
    ensample_shards_conflicting_total: 1,
    ensample_shards_skipped_total: 1,
    ensample_shards_handed_back_total: 1,
    'ensample_shard_seconds_bucket{le="0.01"}': 1,
    'ensample_shard_seconds_bucket{le="0.1"}': 2,
    'ensample_shard_seconds_bucket{le="60"}': 2,
    'ensample_shard_seconds_bucket{le="600"}': 3,
    'ensample_shard_seconds_bucket{le="+Inf"}': 3,
    ensample_shard_seconds_sum: 90.044,
    ensample_shard_seconds_count: 3,
    ensample_shards_in_flight: 1,
    ensample_worker_threads: 3,
  });
  end();
  await flying;
  expect(values(counts.text()).ensample_shards_in_flight).toBe(0);
  // Every metric says what it is before its values, once.
  const text = counts.text();
  const names = text.match(/^# TYPE (\w+) (counter|gauge|histogram)$/gm)!;
  expect(new Set(names).size).toBe(names.length);
  expect(text).toMatch(/^(# HELP (\w+) .*\n# TYPE \2 \w+\n(\2\S* \S+\n)+)+$/);
});

test('worker --metrics: GET /metrics on this machine, nothing else, and a port that is taken is told', async () => {
  const server = await serveMetrics(readMetrics('0')!, () => 'a 1\n');
  servers.push(server);
  const { url } = server;
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  const answer = await fetch(url);
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    ...[200, 'text/plain; version=0.0.4; charset=utf-8', 'a 1\n'],
  ]);
  expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
  expect((await fetch(new URL('/', url))).status).toBe(404);
  const { port } = new URL(url);
  await expect(serveMetrics(readMetrics(port)!, () => '')).rejects.toThrow(
    `port ${port} of 127.0.0.1 is taken by another program`,
  );
  expect(readMetrics('0.0.0.0:9464')).toEqual({ host: '0.0.0.0', port: 9464 });
  expect(readMetrics('[::1]:9464')).toEqual({ host: '::1', port: 9464 });
  for (const bad of ['', 'x', '70000', 'http://a:1', ':1', '1.5', '::1:9464'])
    expect(() => readMetrics(bad)).toThrow(/option --metrics is .*Try --metrics 9464/);
});

test('worker --log json: a line for each event with time, runId and index; text tells what is worth words', () => {
  const json = kept();
  const log = workerLog({ log: 'json', quiet: false }, json.terminal);
  log.say('start', 'Worker.');
  log.event({ kind: 'done', run: RUN, index: 3, milliseconds: 1500 });
  log.event({ kind: 'failed', run: RUN, index: 4, message: 'no such luck' });
  log.end();
  const lines = json.out.map((line) => JSON.parse(line));
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(json.out.every((line) => line.endsWith('\n'))).toBe(true);
  expect(lines).toEqual([
    { time, kind: 'start', message: 'Worker.' },
    { time, kind: 'done', runId: RUN, index: 3, milliseconds: 1500 },
    { time, kind: 'failed', runId: RUN, index: 4, message: 'no such luck' },
    { time, kind: 'stop', message: '1 shard done in 1.5 s of threads.' },
  ]);
  expect(json.err).toEqual([]);
  const text = kept();
  const plain = workerLog({ log: 'text', quiet: false }, text.terminal);
  plain.event({ kind: 'done', run: RUN, index: 3, milliseconds: 1500 });
  plain.event({ kind: 'failed', run: RUN, index: 4, message: 'no such luck' });
  expect([text.out, text.err]).toEqual([[], [`shard 4 of run ${RUN}: failed: no such luck\n`]]);
});
