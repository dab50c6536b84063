import { expect, test } from 'vitest';
import { batchLine, clusterLine, shardLine } from '../../cli/cluster-line.ts';
import type { Stream, Terminal } from '../../cli/terminal.ts';
import { workerLog } from '../../cli/worker-log.ts';
import type { ClusterProgress } from '../../estimators/cluster.ts';

const TOLD = {
  ...{ done: 10, total: 40, failed: 0, retried: 0, duplicates: 0, bytes: 80, evaluations: 10_240 },
  ...{ times: { mean: 5, least: 4, variation: 0.1 }, workers: 2, eta: undefined },
} as ClusterProgress;
const FULL: ClusterProgress = { ...TOLD, waiting: 'Redis at redis://127.0.0.1:6379 is full' };

/** A stream that is no terminal, and what was written to it. */
function kept(): { readonly stream: Stream; readonly lines: string[] } {
  const lines: string[] = [];
  const write = (text: string): boolean => lines.push(text) > 0;
  return { stream: { look: { width: 80 }, isTerminal: false, write } as unknown as Stream, lines };
}

test('cluster line: a server that is full is told of before all that may not fit into the line', () => {
  expect(clusterLine(FULL, 0)).toBe(
    '25 %  10 of 40 shards  waiting: Redis at redis://127.0.0.1:6379 is full  10 240 runs  2 threads',
  );
});

test('cluster line: where lines are a minute apart a pause and its end are told of at once', () => {
  const { stream, lines } = kept();
  const line = shardLine(stream, false, () => undefined);
  for (const told of [TOLD, FULL, FULL, TOLD]) line.show(told);
  expect(lines.map((text) => text.includes('is full'))).toEqual([true, false]);
});

test('cluster line: says at the end where shards ran, by the most threads that were there', () => {
  const line = shardLine(kept().stream, true, () => undefined);
  expect(line.ran('files:DIR')).toBe('Shards on files:DIR');
  for (const told of [{ ...TOLD, total: 2, pilot: true }, TOLD, { ...TOLD, workers: 1 }]) line.show(told);
  line.end();
  expect(line.ran('files:DIR')).toBe('40 shards on files:DIR (2 threads)');
  const batches = batchLine(kept().stream, true, { word: 'points', width: String }, () => undefined);
  batches.show(TOLD);
  expect(batches.ran('files:DIR')).toBe('Model on files:DIR (2 threads)');
});

test('worker log: a full server is a warning, and no shard', () => {
  const { stream, lines } = kept();
  const log = workerLog({ log: 'text', quiet: true }, { out: stream, err: stream } as unknown as Terminal);
  log.event({ kind: 'full', message: 'Redis is full.' });
  expect(lines).toEqual(['Warning: Redis is full.\n']);
});
