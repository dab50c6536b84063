#!/usr/bin/env node
import { CommanderError } from 'commander';
import { analyze } from './analyze.ts';
import { backends } from './backends.ts';
import { EXIT, exitCode, printError } from './errors.ts';
import { expect } from './expect.ts';
import { isEarlyEnd, makeProgram, usageFromCommander } from './program.ts';
import { sample } from './sample.ts';
import { serve } from './serve.ts';
import { sobol } from './sobol.ts';
import { divertStdout, processTerminal, quietOnClosedPipe, type Terminal } from './terminal.ts';

const COMMANDS: ReadonlySet<string> = new Set([
  'sobol',
  'expect',
  'sample',
  'analyze',
  'evaluate',
  'serve',
  'backends',
  'worker',
  'cluster',
  'plan',
  'shard',
  'merge',
]);

/** Runs one command line and resolves to its exit code; whatever goes wrong is printed on stderr. */
async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
  const program = makeProgram(
    {
      sobol: (file, flags) => sobol(file, flags, argv, terminal),
      expect: (file, flags) => expect(file, flags, argv, terminal),
      sample: (file, flags) => sample(file, flags, terminal),
      analyze: (file, flags) => analyze(file, flags, argv, terminal),
      evaluate: async (file, flags) => (await import('./evaluate.ts')).evaluate(file, flags, terminal),
      serve: (file, flags) => serve(file, flags, terminal),
      backends: (flags) => backends(flags, terminal),
      // Loaded when they are asked for: they bring all works of the package along.
      worker: async (flags) => (await import('./worker.ts')).worker(flags, terminal),
      cluster: async (action, run, flags) =>
        (await import('./cluster.ts')).cluster(action, run, flags, terminal),
      plan: async (file, flags) => (await import('./batch.ts')).plan(file, flags, terminal),
      shard: async (run, flags) => (await import('./batch.ts')).shard(run, flags, terminal),
      merge: async (run, flags) => (await import('./batch.ts')).merge(run, flags, terminal),
    },
    (result) => {
      code = result;
    },
    terminal.out.write,
  );
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (isEarlyEnd(error)) return 0;
    if (argv.length === 0) {
      terminal.err.write(program.helpInformation());
      return EXIT.usage;
    }
    const told = error instanceof CommanderError ? usageFromCommander(error, program, argv) : error;
    printError(told, commandName(argv), terminal.err, process.env.ENSAMPLE_DEBUG === '1');
    return exitCode(told);
  }
}

/** 'ensample sobol', how messages begin. */
function commandName(argv: readonly string[]): string {
  const command = argv.find((word) => COMMANDS.has(word));
  return command === undefined ? 'ensample' : `ensample ${command}`;
}

quietOnClosedPipe();
const terminal = processTerminal();
const restoreStdout = divertStdout();
const code = await main(process.argv.slice(2), terminal);
restoreStdout();
// Idle workers must not keep the process alive; what was written goes out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
