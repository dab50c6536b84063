import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Finished, folderOf, run, runTogether } from './command.ts';

/** The built command in an empty folder with models, as a stranger meets it. */
export interface Stage {
  readonly path: string;
  /** Where a file of that name is. */
  at(name: string): string;
  ensample(args: string, env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** The same without starting workers, where they are not the point. */
  quick(args: string): Promise<Finished>;
  /** One after the other in one process: for what does not depend on how a process starts and ends. */
  together(commands: readonly string[]): Promise<readonly Finished[]>;
  /** Runs commands without a graphics card; the first and the last of them in processes of their own. */
  rows(rows: readonly (readonly [string, string])[]): Promise<(readonly [string, string, Finished])[]>;
  /** Resolves when a model has written the file. */
  written(name: string): Promise<void>;
  remove(): void;
}

/** Also where there is one. */
const WITHOUT_GPU = { VK_DRIVER_FILES: '/nonexistent' };

export function stage(): Stage {
  const { path, remove } = folderOf(MODELS);
  const at = (name: string): string => join(path, name);
  const ensample: Stage['ensample'] = (args, env) => run(path, args, env);
  return {
    path,
    at,
    ensample,
    quick: (args) => ensample(`${args} --threads 1`),
    together: (commands) => runTogether(path, commands),
    async rows(rows) {
      const commands = rows.map(([command]) => command);
      const [first, between, last] = await Promise.all([
        ensample(commands[0]!, WITHOUT_GPU),
        runTogether(path, commands.slice(1, -1), WITHOUT_GPU),
        ensample(commands.at(-1)!, WITHOUT_GPU),
      ]);
      return [first, ...between, last].map((finished, i) => [...rows[i]!, finished] as const);
    },
    async written(name) {
      while (!existsSync(at(name))) await new Promise((go) => setTimeout(go, 20));
    },
    remove,
  };
}

/** Words without regard to where lines were broken. */
export const flat = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const ab = `import { uniform } from 'ensample';\nexport const inputs = { a: uniform(0, 1), b: uniform(0, 1) };\n`;
const abc = `import { uniform } from 'ensample';\nexport const inputs = { a: uniform(0, 1), b: uniform(0, 1), c: uniform(0, 1) };\n`;
/** Several expectations of a + b under two laws. */
const wanted = `export const outputs = { level: { unit: 'm' } };
export const laws = { half: { inputs: { a: uniform(0, 0.5) } } };
export const expectations = {
  mean: {},
  far: { event: { above: 1.9 } },
  square: { of: ([y]) => y * y },
  shifted: { of: 'level', under: 'half' },
};
export const functionals = { deviation: { value: ([mean, , square]) => Math.sqrt(square - mean * mean) } };\n`;
/** Models by file. */
const MODELS: Readonly<Record<string, string>> = {
  'flood.ts': `${abc}export const outputs = { level: { unit: 'm' } };\nexport default ({ a, b, c }: Record<string, number>): number => a + 2 * b * c;\n`,
  'no-inputs.mjs': 'export default () => 1;\n',
  'no-model.mjs': ab,
  'throws.mjs': "throw new Error('no luck');\n",
  'bad-law.ts':
    "import { uniform } from 'ensample';\nexport const inputs = { a: uniform(3, 1) };\nexport default () => 1;\n",
  'not-a-law.mjs': 'export const inputs = { a: 3 };\nexport default () => 1;\n',
  'nan.mjs': `${ab}export default ({ a, b }) => (a > 0.9 ? NaN : a + b);\n`,
  'undefined.mjs': `${ab}export default ({ a, b }) => (a > 0.9 ? undefined : a + b);\n`,
  'long.mjs': `${ab}export default ({ a, b }) => (a > 0.9 ? [a, b] : [a]);\n`,
  'rejects.mjs': `${ab}export default async ({ a, b }) => { if (a > 0.9) throw new Error('too hot'); return a + b; };\n`,
  'constant.mjs': `${ab}export default () => 3.2;\n`,
  'one.mjs':
    "import { uniform } from 'ensample';\nexport const inputs = { a: uniform(0, 1) };\nexport default ({ a }) => a * a;\n",
  'broken.mjs': `${ab}export default ({ a, b }) => a + ;\n`,
  'lacks.mjs': "import { x } from 'no-such-package';\nexport default x;\n",
  'groups.mjs': `${ab}export const groups = { soil: ['a', 'bb'] };\nexport default ({ a, b }) => a * b;\n`,
  'prints.mjs': `${ab}console.log('loading');\nexport default ({ a, b }) => { console.log(a); return a + b; };\n`,
  'waits.mjs': `${ab}console.error('here');\nawait new Promise((go) => setTimeout(go, 60_000));\nexport default ({ a, b }) => a + b;\n`,
  'two.mjs': `${ab}export default ({ a, b }) => a * b;\n`,
  'sum.mjs': `${ab}export default ({ a, b }) => a + b;\n`,
  'wanted.mjs': `${ab}${wanted}export default ({ a, b }) => a + b;\n`,
  // Says when 250 of its points are sure to be done, and counts them; slow no more once a state is saved.
  'wanted-slow.mjs': `import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
    ${ab}${wanted}let calls = 0;
    const slow = !existsSync('w.state');
    export default async ({ a, b }) => {
      if (slow) await new Promise((go) => setTimeout(go, 2));
      appendFileSync('calls', '.');
      if (slow && ++calls === 250) writeFileSync('begun', '');
      return a + b;
    };\n`,
  // Says when two of its replicates of 256 runs are sure to be done, however fast the machine is; slow no more after.
  'slow.mjs': `import { existsSync, writeFileSync } from 'node:fs';
    ${ab}let calls = 0;
    const slow = !existsSync('ready');
    export default async ({ a, b }) => {
      if (slow) await new Promise((go) => setTimeout(go, 4));
      if (++calls === 600) writeFileSync('ready', '');
      return a + b;
    };\n`,
  // Says when its first chunk, of a second for each of two workers, is sure to be done.
  'slower.mjs': `import { writeFileSync } from 'node:fs';
    ${ab}let calls = 0;
    export default async ({ a, b }) => {
      await new Promise((go) => setTimeout(go, 10));
      if (++calls === 200) writeFileSync('begun', '');
      return a + b;
    };\n`,
  'names.mjs': `import { uniform } from 'ensample';
    const names = ['<b>', 'a"b', '=1+1', 'n'.repeat(60), '流量', '🌊'];
    export const inputs = Object.fromEntries(names.map((name) => [name, uniform(0, 1)]));
    export const outputs = { '=y': { unit: 'm' } };
    export default (x) => names.reduce((sum, name, i) => sum + (i + 1) * x[name], 0);\n`,
  'series.mjs': `${ab}export const outputs = Array.from({ length: 9 }, (_, t) => 't' + t);\nexport default ({ a, b }) => Array.from({ length: 9 }, (_, t) => a + t * b);\n`,
};
