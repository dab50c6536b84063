import { Command, CommanderError, Option } from 'commander';
import { nearestName, OptionError, VERSION } from '../estimators/index.ts';
import { CONTROLS, FINAL_DESIGNS, PRESETS, PROPOSALS, SPACES } from './expect-settings.ts';
import type { Flags } from './flag-values.ts';
import { REDIS_FLAGS } from './redis-address.ts';
import { BACKENDS, DESIGNS, ESTIMATORS, INTERVALS, METHODS } from './settings.ts';

/** What runs when a command has been recognised; resolves to the exit code. */
export interface Commands {
  sobol(file: string, flags: Flags): Promise<number>;
  expect(file: string, flags: Flags): Promise<number>;
  sample(file: string, flags: Flags): Promise<number>;
  analyze(file: string, flags: Flags): Promise<number>;
  evaluate(file: string, flags: Flags): Promise<number>;
  serve(file: string, flags: Flags): Promise<number>;
  backends(flags: Flags): Promise<number>;
  worker(flags: Flags): Promise<number>;
  cluster(action: string, run: string | undefined, flags: Flags): Promise<number>;
  plan(file: string, flags: Flags): Promise<number>;
  shard(run: string, flags: Flags): Promise<number>;
  merge(run: string, flags: Flags): Promise<number>;
}

type FlagRow = readonly [flags: string, description: string];

const DESIGN_FLAGS: readonly FlagRow[] = [
  ['-n, --points <n>', 'base points in total, a power of two (default 16384)'],
  ['--replicates <r>', 'independent scrambles that share the points (default 8)'],
  ['--seed <seed>', 'an integer; drawn and printed when absent'],
  ['--second-order', 'also all pairs of inputs'],
  ['--design <name>', `${DESIGNS.join(', ')} (default sobol)`],
  ['--estimator <name>', ESTIMATORS.join(', ')],
  ['--groups <groups>', 'treat inputs together: "soil=k1,k2;rain=r1,r2"'],
];
const ANALYSIS_FLAGS: readonly FlagRow[] = [
  ['--interval <kind>', INTERVALS.join(', ')],
  ['--resamples <n>', 'bootstrap resamples (default 1000)'],
  ['--level <p>', 'level of the intervals (default 0.95)'],
  ['--outputs <names>', 'names of the outputs, or which of them to show: a,b'],
  ['--missing <policy>', 'failed points: error, drop-row or a number to put there'],
];
const SOBOL_FLAGS: readonly FlagRow[] = [
  [
    '--method <name>',
    `${METHODS.join(', ')} (default ${METHODS[0]}; the other where tails hold the variance)`,
  ],
  ['--until <halfwidth>', 'double the points until no total index is less certain'],
];
const EXPECT_FLAGS: readonly FlagRow[] = [
  ['-n, --points <n>', 'points in total; at most half adapt the sample (default 16384)'],
  ['--replicates <r>', 'independent scrambles that share the final points (default 8)'],
  ['--seed <seed>', 'an integer; drawn and printed when absent'],
  ['--level <p>', 'level of the intervals (default 0.95)'],
  ['--stages <k>', 'most adapting stages (default 5; 10 with events)'],
  ['--proposal <name>', `${PROPOSALS.join(', ')} (default normal)`],
  ['--space <name>', `where proposals live: ${SPACES.join(', ')} (default normals)`],
  ['--controls <name>', `control variates: ${CONTROLS.join(', ')} (default own)`],
  ['--design <name>', `final points: ${FINAL_DESIGNS.join(', ')} (default sobol)`],
  ['--preset <name>', `${PRESETS.join(', ')}: everything as in the code of the paper`],
  ['--missing <policy>', 'failed points: error, or a number to put there'],
];
const RUN_FLAGS: readonly FlagRow[] = [
  ['--backend <name>', `${BACKENDS.join(', ')} (default auto; see ensample backends)`],
  ['--allow-software-gpu', 'with --backend webgpu: also a GPU that is a program (slow, for tests)'],
  ['--threads <n>', 'threads, at most the cores of this machine'],
  ['--resume <file>', 'keep the state there, and go on from it when it exists'],
];
const REMOTE_FLAGS: readonly FlagRow[] = [
  ['--inputs <file>', 'where MODEL is http://...: laws of its inputs, a module or a SALib problem'],
  ['--model-name <name>', 'which model of that server (default its only one)'],
  ['--config <json>', 'sent to that server with every point'],
  ['--concurrency <n>', 'requests at a time (default twice the cores, elsewhere at least 16)'],
  ['--timeout <seconds>', 'after which a point has failed (default never)'],
  ['--retries <n>', 'where the server is not reached or busy (default 6)'],
];
const SERVE_FLAGS: readonly FlagRow[] = [
  ['--port <n>', 'default 4242; 0 takes a free one'],
  ['--host <address>', 'default 127.0.0.1, this machine only'],
  ['--name <name>', 'what clients call it (default forward, of a log density posterior)'],
  ['--allow-origin <origin>', 'pages of this origin may call, too'],
  ['--backend <name>', `${BACKENDS.join(', ')} (default auto; see ensample backends)`],
  ['--allow-software-gpu', 'with --backend webgpu: also a GPU that is a program (slow, for tests)'],
  ['--threads <n>', 'threads, at most the cores of this machine'],
  ['--quiet', 'print the address and errors only'],
];
const OUTPUT_FLAGS: readonly FlagRow[] = [
  ['--json', 'print one JSON document instead of the table'],
  ['--csv <file>', 'write all numbers, or the points at which the model failed'],
  ['--report <file.html>', 'write a report with pictures that opens in any browser'],
  ['--quiet', 'errors and warnings only'],
];

const REDIS_FLAG: FlagRow = [
  '--redis <url>',
  'redis://host:port (default ENSAMPLE_REDIS_URL, else redis://127.0.0.1:6379)',
];
const MODELS_FLAG: FlagRow = ['--models <dir>', 'folder with ensample.models.json, or one model file'];
const BLOBS_FLAG: FlagRow = [
  '--blobs <dir>',
  'shared folder, or s3://bucket/prefix, for results above 256 kB',
];
const CLUSTER_FLAGS: readonly FlagRow[] = [
  ['--cluster <where>', 'redis://host:port, redis for ENSAMPLE_REDIS_URL, files:DIR, or local'],
  ['--shards <n>', 'about so many pieces (default: measured first); the answer does not depend on it'],
  ['--audit <share>', 'compute this share of the shards twice and compare'],
  ...[MODELS_FLAG, BLOBS_FLAG],
  ...REDIS_FLAGS,
];
const WORKER_FLAGS: readonly FlagRow[] = [
  REDIS_FLAG,
  ['--files <dir>', 'folder with runs, in the place of Redis'],
  MODELS_FLAG,
  ['--works <file>', 'module that exports `works`, in the place of those of the package'],
  ['--threads <n>', 'threads (default: the cores of this machine)'],
  BLOBS_FLAG,
  ['--lock <s>', 'seconds after which the shard of a silent worker is given to another (default 10)'],
  ['--stall <s>', 'seconds between looks for such shards (default 5)'],
  ['--grace <s>', 'seconds that shards get to finish when the worker is stopped (default 20)'],
  ['--max-shard-seconds <s>', 'end the thread of a shard that takes longer (default never)'],
  ['--max-heap <mb>', 'end a thread whose JavaScript heap grows above; arrays of numbers lie outside'],
  ['--metrics <port>', 'counters for Prometheus at http://127.0.0.1:<port>/metrics; host:port for others'],
  ...REDIS_FLAGS,
  ['--log <form>', 'text, or json: one line for each event, on stdout (default text)'],
  ['--quiet', 'errors only'],
];

/** The command line as commander reads it: the commands and their flags. */
export function makeProgram(
  commands: Commands,
  done: (code: number) => void,
  write: (text: string) => void,
): Command {
  const program = new Command('ensample')
    .description('Monte Carlo estimation: a number, its standard error, and what could be wrong with it.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
  const analysis = [...DESIGN_FLAGS, ...ANALYSIS_FLAGS];

  withFlags(program.command('sobol <MODEL>'), [
    ...analysis,
    ...SOBOL_FLAGS,
    ...RUN_FLAGS,
    ...REMOTE_FLAGS,
    ...CLUSTER_FLAGS,
    ...OUTPUT_FLAGS,
  ])
    .description("Sobol' indices of a model module (.js, .mjs or .ts), or of one on a UM-Bridge server")
    .addHelpText('after', example('ensample sobol flood.ts --second-order --report flood.html'))
    .action(async (file: string, flags: Flags) => done(await commands.sobol(file, flags)));
  withFlags(program.command('expect <MODEL>'), [
    ...EXPECT_FLAGS,
    ...RUN_FLAGS,
    ...REMOTE_FLAGS,
    ...CLUSTER_FLAGS,
    ...OUTPUT_FLAGS,
  ])
    .description('means, probabilities and laws that a model module asks for, all from one sample')
    .addHelpText('after', example('ensample expect beam-expectations.ts --report beam.html'))
    .action(async (file: string, flags: Flags) => done(await commands.expect(file, flags)));
  withFlags(program.command('sample <PROBLEM>'), [
    ['-o, --output <file.csv>', 'where to write; else stdout'],
    ...DESIGN_FLAGS,
    ['--quiet', 'errors only'],
  ])
    .description('write the design as CSV, for a model that runs elsewhere')
    .addHelpText('after', example('ensample sample problem.json -n 1024 -o x.csv'))
    .action(async (file: string, flags: Flags) => done(await commands.sample(file, flags)));
  withFlags(program.command('analyze <PROBLEM>'), [
    ['-x, --design-file <x.csv>', 'the design that `sample` wrote'],
    ['-y, --output-file <y.csv>', 'one row of outputs for each row of it'],
    ...analysis,
    ...OUTPUT_FLAGS,
  ])
    .description('read design and outputs back, print the indices')
    .addHelpText('after', example('ensample analyze problem.json -x x.csv -y y.csv'))
    .action(async (file: string, flags: Flags) => done(await commands.analyze(file, flags)));
  withFlags(program.command('evaluate <MODEL>'), [
    ['-x, --design-file <x.csv>', 'the points, a row each; columns are found by their names'],
    ['-o, --output <file.csv>', 'where to write; else stdout'],
    ['--outputs <names>', 'names of the outputs, separated by commas'],
    ...RUN_FLAGS.filter(([flag]) => !flag.startsWith('--resume')),
    ...REMOTE_FLAGS,
    ...CLUSTER_FLAGS,
    ['--quiet', 'errors only'],
  ])
    .description('the outputs of a model at given points, as CSV')
    .addHelpText('after', example('ensample evaluate flood.ts -x x.csv -o y.csv'))
    .action(async (file: string, flags: Flags) => done(await commands.evaluate(file, flags)));
  withFlags(program.command('serve <MODEL>'), SERVE_FLAGS)
    .description('a model module, or a log density with its gradient, by UM-Bridge over HTTP')
    .addHelpText('after', example('ensample serve flood.ts --port 4242'))
    .action(async (file: string, flags: Flags) => done(await commands.serve(file, flags)));
  program
    .command('backends')
    .description('what this machine offers, and what `auto` would take')
    .option('--json', 'print the rows as JSON')
    .action(async (flags: Flags) => done(await commands.backends(flags)));
  withClusterCommands(program, commands, done);
  return program;
}

function withClusterCommands(program: Command, commands: Commands, done: (code: number) => void): void {
  withFlags(program.command('plan <MODEL>'), [
    ['-o, --output <dir>', 'folder for the run'],
    ['--expect', 'the expectations that the module asks for, round by round (see ensample expect)'],
    ['--shards <n>', 'about so many pieces (default: measured here); the answer does not depend on it'],
    MODELS_FLAG,
    ...[...DESIGN_FLAGS, ...ANALYSIS_FLAGS],
    ...EXPECT_FLAGS.filter(([flag]) => /^--(stages|proposal|space|controls|preset) /.test(flag)),
    ['--quiet', 'print the number of shards and errors only'],
  ])
    .description("cut Sobol' indices, or expectations, into shards for a batch system, without a server")
    .addHelpText('after', example('ensample plan flood.ts -o run --seed 7'))
    .action(async (file: string, flags: Flags) => done(await commands.plan(file, flags)));
  withFlags(program.command('merge <DIR>'), [...ANALYSIS_FLAGS, MODELS_FLAG, ...OUTPUT_FLAGS])
    .description('the answer of a run in a folder, or which shards are missing')
    .addHelpText('after', example('ensample merge run'))
    .action(async (run: string, flags: Flags) => done(await commands.merge(run, flags)));
  withFlags(program.command('worker'), WORKER_FLAGS)
    .description('compute shards of runs that others submit, until stopped')
    .addHelpText(
      'after',
      `${example('ensample worker --redis redis://127.0.0.1:6379 --models models')}\n  ensample worker --files runs --models flood.ts`,
    )
    .action(async (flags: Flags) => done(await commands.worker(flags)));
  withFlags(program.command('cluster <status|forget> [RUN]'), [
    REDIS_FLAG,
    ['--files <dir>', 'status: of the runs in a folder, in the place of Redis'],
    ['--blobs <dir>', 'forget: delete its results above 256 kB there as well (folder or s3://bucket/prefix)'],
    ...REDIS_FLAGS,
    ['--json', 'print one JSON document'],
  ])
    .description('status: workers and runs; forget RUN: delete its results')
    .addHelpText('after', example('ensample cluster status --redis redis://127.0.0.1:6379'))
    .action(async (action: string, run: string | undefined, flags: Flags) =>
      done(await commands.cluster(action, run, flags)),
    );
  withFlags(program.command('shard <RUN>'), [
    ['--index <i>', 'number of the shard (default the array index of SLURM, HyperQueue, PBS or Kubernetes)'],
    ['--range <a:b>', 'shards a to b, in a folder'],
    ['--threads <n>', 'shards at a time, in a folder (default 1)'],
    ...[REDIS_FLAG, MODELS_FLAG, BLOBS_FLAG],
    ...REDIS_FLAGS,
    ['--quiet', 'errors only'],
  ])
    .description('compute shards of a run in a folder, or one of a run in Redis to see what is wrong with it')
    .addHelpText('after', example('ensample shard run --models models --range 0:9'))
    .action(async (run: string, flags: Flags) => done(await commands.shard(run, flags)));
}

function withFlags(command: Command, rows: readonly FlagRow[]): Command {
  for (const [flags, description] of rows) command.addOption(new Option(flags, description));
  return command;
}

function example(line: string): string {
  return `\nExample:\n  ${line}`;
}

/** True for the exceptions by which commander ends `--help` and `--version`. */
export function isEarlyEnd(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** What commander complains about, as a usage error in the words of this command line. */
export function usageFromCommander(
  error: CommanderError,
  program: Command,
  argv: readonly string[],
): OptionError {
  const command = program.commands.find((candidate) => candidate.name() === argv[0]);
  const where = command === undefined ? 'ensample' : `ensample ${command.name()}`;
  const subject = (/'([^']+)'/.exec(error.message)?.[1] ?? '').replace(/ <.*/, '');
  const complain = (found: string, expected: string, fix?: string): OptionError =>
    new OptionError({
      where,
      option: subject,
      value: subject,
      found,
      expected,
      ...(fix === undefined ? {} : { fix }),
    });
  const near = (names: readonly string[]): string | undefined => {
    const name = nearestName(subject, names);
    return name === undefined ? undefined : `Did you mean ${name}?`;
  };
  switch (error.code) {
    case 'commander.unknownCommand':
    case 'commander.excessArguments': {
      if (command !== undefined) {
        return complain(
          `too many arguments (${command.args.join(' ')})`,
          `one, as in ${where} ${argumentsOf(command)}`,
        );
      }
      const names = program.commands.map((candidate) => candidate.name());
      const word = argv.find((candidate) => !candidate.startsWith('-')) ?? subject;
      const hint = nearestName(word, names);
      return complain(
        `unknown command ${word}`,
        `one of ${names.join(', ')}`,
        hint === undefined ? undefined : `Did you mean ${hint}?`,
      );
    }
    case 'commander.unknownOption': {
      const known = (command ?? program).options.map((option) => option.long ?? option.flags);
      return complain(`unknown option ${subject}`, `one of those that ${where} --help lists`, near(known));
    }
    case 'commander.missingArgument':
      return complain(`${subject || argumentsOf(command)} is missing`, `${where} ${argumentsOf(command)}`);
    case 'commander.optionMissingArgument':
      return complain(`option ${subject} has no value`, 'one after it');
    default:
      return complain(error.message.replace(/^error: /, ''), `what ${where} --help lists`);
  }
}

function argumentsOf(command: Command | undefined): string {
  return (command?.registeredArguments ?? []).map((argument) => argument.name()).join(' ');
}
