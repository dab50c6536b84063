/** What was expected of a model's server where a point failed, and what to do, without its full stop. */
export interface ServerFault {
  readonly expected: string;
  readonly act: string;
}

const MEND = 'Mend the model on that server';

/** By how the reason of the failed point begins. */
const FAULTS: readonly (readonly [reason: RegExp, expected: string, act: string])[] = [
  [
    /^took longer than the timeout /,
    'an answer in that time',
    'Is that server at work? Give it more time with a larger `timeout`',
  ],
  [
    /^answered with what is no JSON /,
    'JSON from a UM-Bridge 1.0 server',
    'See whether such a server, and nothing else, runs at that address',
  ],
  [/^answered \d/, 'an evaluation', 'See what that server has logged, and mend the model there'],
  [/^returned what is no list of vectors/, 'one list of numbers for each output', MEND],
  [/^returned .*, declared \d/, 'what the server declared', MEND],
];

/** By the reason of a failed point; undefined where the fault is not the server's but in the numbers themselves. */
export function serverFault(reason: string): ServerFault | undefined {
  const found = FAULTS.find(([begins]) => begins.test(reason));
  return found === undefined ? undefined : { expected: found[1], act: found[2] };
}
