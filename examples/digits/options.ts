import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { nearestName, OptionError } from 'ensample';
import { METHODS } from './methods.ts';

/** How long the chains are and how many pictures there are. */
export interface Options {
  /** Of ten pictures, of each method. */
  readonly rows: number;
  readonly steps: number;
  /** Runs of the check of guidance, and chains of the long run that the evidence is checked by. */
  readonly runs: number;
  readonly chains: number;
  readonly seed: number;
  /** Of the runtime of the networks. */
  readonly threads: number;
  /** Methods and checks to run, by id. */
  readonly only: readonly string[];
  /** The command that gives the same numbers. */
  readonly again: string;
}

const SIZES = {
  quick: { rows: 4, steps: 16, runs: 4 },
  default: { rows: 10, steps: 24, runs: 4 },
} as const;

/** Chains of the long run, for each row of pictures. */
const CHAINS = 100;

/** The checks beside the methods. */
export const CHECKS = ['guidance-check', 'evidence-check'] as const;
export const IDS: readonly string[] = [...METHODS.map(({ id }) => id), ...CHECKS];

export const HELP = `Draw handwritten digits by a trained network, by every method, and judge them.

npm run digits -- [options]

  --quick       ${SIZES.quick.rows} rows and ${SIZES.quick.steps} steps: a minute or so on two cores; without it about four
  --rows N      rows of ten pictures, of each method (default ${SIZES.default.rows})
  --steps N     from noise to data, even (default ${SIZES.default.steps})
  --only NAME   one method or check; may be given again:
                ${wrapped(IDS, 16)}
  --threads N   of the processor, for the networks (default all, at most 4)
  --seed N      an integer (default 7): the same seed draws the same pictures
  --help        this text

Writes examples/out/digits.html and one PNG a method beside it. Ctrl-C writes what is done.`;

function wrapped(words: readonly string[], indent: number): string {
  const lines = [''];
  for (const word of words) {
    if (lines.at(-1)!.length + word.length > 76 - indent) lines.push('');
    lines[lines.length - 1] += lines.at(-1) === '' ? word : `, ${word}`;
  }
  return lines.join(`,\n${' '.repeat(indent)}`);
}

const FLAGS = {
  quick: { type: 'boolean' },
  help: { type: 'boolean' },
  rows: { type: 'string' },
  steps: { type: 'string' },
  threads: { type: 'string' },
  seed: { type: 'string' },
  only: { type: 'string', multiple: true },
} as const;

/** @throws OptionError for what cannot be used; undefined where help is asked for. */
export function readOptions(argv: readonly string[]): Options | undefined {
  const { tokens, values } = parseArgs({
    ...{ args: [...argv], options: FLAGS, strict: false, tokens: true },
    allowPositionals: true,
  });
  for (const token of tokens) {
    if (token.kind === 'positional') throw unknown(token.value, false);
    if (token.kind === 'option' && !(token.name in FLAGS)) throw unknown(token.rawName, true);
  }
  if (values.help === true) return undefined;
  const usual = values.quick === true ? SIZES.quick : SIZES.default;
  const only = (values.only ?? []).map(checkId);
  const rows = wholeNumber('--rows', values.rows, usual.rows, 1, 100);
  const steps = wholeNumber('--steps', values.steps, usual.steps, 2, 1000);
  if (steps % 2 === 1)
    throw bad('--steps', values.steps, 'an even number', 'Chains over noise levels take half of it.');
  const seed = wholeNumber('--seed', values.seed, 7, 0, 2 ** 53 - 1);
  const threads = wholeNumber('--threads', values.threads, Math.min(4, availableParallelism()), 1, 64);
  const words = argv.filter((word) => word !== '').join(' ');
  return {
    ...{ rows, steps, seed, threads, runs: usual.runs, chains: CHAINS * rows },
    only: only.length > 0 ? only : IDS,
    again: `npm run digits${words === '' ? '' : ` -- ${words}`}`,
  };
}

function wholeNumber(flag: string, text: unknown, usual: number, least: number, most: number): number {
  if (text === undefined) return usual;
  const value = typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = most > 1e6 ? `an integer >= ${least}` : `an integer from ${least} to ${most}`;
  throw bad(flag, text, range);
}

function checkId(text: string | boolean): string {
  if (typeof text === 'string' && IDS.includes(text)) return text;
  const near = typeof text === 'string' ? nearestName(text, IDS) : undefined;
  throw bad(
    '--only',
    text,
    `one of ${IDS.join(', ')}`,
    near === undefined ? undefined : `Did you mean ${near}?`,
  );
}

function bad(option: string, value: unknown, expected: string, fix = 'See --help.'): OptionError {
  const found = `option ${option} ${value === true ? 'has no value' : `is ${JSON.stringify(value) ?? 'not there'}`}`;
  return new OptionError({ where: 'digits', option, value, found, expected, fix });
}

function unknown(word: string, flag: boolean): OptionError {
  const flags = Object.keys(FLAGS).map((name) => `--${name}`);
  const near = nearestName(word, flags);
  return new OptionError({
    where: 'digits',
    option: word,
    value: word,
    found: flag ? `there is no option ${word}` : `${JSON.stringify(word)} is no option`,
    expected: `one of ${flags.join(', ')}`,
    fix: near === undefined ? 'See --help.' : `Did you mean ${near}?`,
  });
}
