import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lostCard } from '../../cli/lost-card.ts';
import { readState } from '../../cli/state-file.ts';
import { DeviceLostError } from '../../engine/errors.ts';
import { folderOf } from './command.ts';

const lost = (snapshot?: Uint8Array): DeviceLostError =>
  new DeviceLostError({ where: 'sobol-indices', reason: 'unplugged', seed: 7, snapshot });

test('lostCard(): the last checkpoint goes to the file of --resume, which another backend goes on from', () => {
  const folder = folderOf({});
  const file = join(folder.path, 'flood.state');
  const { message } = lostCard('ensample sobol', lost(Uint8Array.of(1, 2, 3)), file, 'abc');
  expect(message).toBe(
    `ensample sobol: the graphics card went away (unplugged). Saved ${file}. To go on without it, run the same command again with --resume ${file} --backend wasm.`,
  );
  expect(readState('ensample sobol', file, 7)).toEqual({
    header: { seed: 7, model: 'abc' },
    state: Uint8Array.of(1, 2, 3),
  });
  folder.remove();
});

test('lostCard(): without a checkpoint or a file for it the message gives the seed to begin anew with', () => {
  const anew = /^ensample sobol: the graphics card went away \(unplugged\)\. .*: --backend wasm --seed 7\.$/;
  expect(lostCard('ensample sobol', lost(), 'flood.state', 'abc').message).toMatch(anew);
  expect(lostCard('ensample sobol', lost(Uint8Array.of(1)), undefined, 'abc').message).toMatch(anew);
});
