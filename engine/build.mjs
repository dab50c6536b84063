/**
 * The build, one step after the other. Does nothing when nothing of what it is made from has changed since the last one:
 * `npm start` and `npm test` ask for it every time. Its last word is the file `dist/.built`; without it all is built anew.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const built = `${root}dist/.built`;

const SOURCES = ['engine', 'estimators', 'cli'];
const SETTINGS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const STEPS = [
  ['engine/wasm/build.mjs'],
  ['engine/backend/vendor/build.mjs'],
  ['cli/vendor/build.mjs'],
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  ['engine/prune-types.mjs'],
  ['engine/pool/copy-worker.mjs'],
  ['engine/bundle-foreign.mjs', '--copy', 'engine/backend', 'cli'],
  ['engine/bundle-node.mjs'],
];

function sourceHash() {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true }).map((name) => `${folder}/${name}`),
  ).filter((name) => !name.includes('/generated/') && statSync(`${root}${name}`).isFile());
  const hash = createHash('sha256').update(process.version);
  for (const name of [...files.sort(), ...SETTINGS])
    hash.update(`\0${name}\0`).update(readFileSync(`${root}${name}`));
  return hash.digest('hex');
}

const hash = sourceHash();
if (!existsSync(built) || readFileSync(built, 'utf8') !== hash) {
  rmSync(built, { force: true });
  for (const [script, ...args] of STEPS) {
    const { status } = spawnSync(process.execPath, [`${root}${script}`, ...args], {
      cwd: root,
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(status ?? 1);
  }
  writeFileSync(built, hash);
}
