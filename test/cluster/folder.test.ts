import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { openTasks } from '../../engine/cluster/file-tasks.ts';
import { makeRunFolder } from '../../engine/cluster/folder.ts';
import { makePlan } from '../../engine/cluster/plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'ensample-folder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plan = makePlan({ work: 'sums', options: {}, seed: 7, shards: { kind: 'index', count: 3 } });

/** A file system in which nothing can be written: of folders to be made in one Node says ENOENT. */
function readOnly(): () => void {
  const refused = (code: string) => (): never => {
    throw Object.assign(new Error(code), { code });
  };
  const [open, make] = [fs.openSync, fs.mkdirSync];
  const spies = [
    vi
      .spyOn(fs, 'openSync')
      .mockImplementation((file, flags) => (flags === 'wx' ? refused('EROFS')() : open(file, flags ?? 'r'))),
    vi
      .spyOn(fs, 'mkdirSync')
      .mockImplementation((path, options) =>
        fs.existsSync(path) ? make(path, options) : refused('ENOENT')(),
      ),
    vi.spyOn(fs, 'accessSync').mockImplementation(refused('EROFS')),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const spy of spies) spy.mockRestore();
    syncBuiltinESMExports();
  };
}

test('makeRunFolder(): a run is opened where nothing can be written, and a new one is told why not', () => {
  const path = join(folder, 'run');
  makeRunFolder(path, plan).put(1, Uint8Array.of(1));
  const mend = readOnly();
  try {
    expect(makeRunFolder(path, plan).indices()).toEqual([1]);
    const looked = openTasks(path, 15, () => 0, false);
    expect([looked.retried(), looked.failure(), looked.differences()]).toEqual([0, undefined, []]);
    expect(() => makeRunFolder(join(folder, 'other'), plan)).toThrow(
      `cluster: ${join(folder, 'other', 'res')} cannot be written because the file system is read-only; expected one that can be written. Allow this user to write there, or name another folder.`,
    );
  } finally {
    mend();
  }
});
