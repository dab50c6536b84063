/**
 * Random programs in the language of kernels. Their numbers are multiples of 1/4 below 16 in size, put back onto that grid
 * by each assignment, so that float32 and float64 compute the same to the last bit.
 */
export function randomProgram(seed: number): string {
  const pick = picker(seed);
  const variables: string[] = [];
  const counters: string[] = [];
  let names = 0;

  const leaf = (): string =>
    pick<() => string>([
      () => `x[${pick([0, 1, 2])}]`,
      () => pick(['0', '1', '2', '3', '0.5', '0.25', '-1', '-0.75']),
      () => (counters.length > 0 ? pick(counters) : 'x[0]'),
      () => (variables.length > 0 ? pick(variables) : 'x[1]'),
      () => (variables.length > 0 ? pick(variables) : 'x[2]'),
      () => 'this.constants.n',
      () => (counters.length > 0 ? `x[(${pick(counters)} + ${pick([0, 1, 2])}) % 3]` : 'x[1]'),
      () => `this.constants.t[${counters.length > 0 ? `${pick(counters)} % 2` : '1'}][${pick([0, 1])}]`,
    ])();
  const number = (depth: number): string => {
    if (depth === 0) return leaf();
    const [a, b] = [number(depth - 1), number(pick([0, depth - 1]))];
    return pick<() => string>([
      () => `(${a} ${pick(['+', '-', '*'])} ${b})`,
      () => `${a} ${pick(['+', '-'])} ${b}`,
      () => `${a} / ${pick([2, 4, -2])}`,
      () => `-(${leaf()})`,
      () => `(${condition(1)} ? ${a} : ${b})`,
      () => `Math.${pick(['min', 'max'])}(${a}, ${b})`,
      () => `Math.${pick(['abs', 'floor', 'ceil', 'round', 'trunc', 'sign'])}(${a})`,
      () => `f(${a}, ${b})`,
      () => `(${a}) % ${pick([3, 2.5, 4])}`,
      () => `(${leaf()}) ** 2`,
    ])();
  };
  const condition = (depth: number): string => {
    if (depth > 0 && pick([true, false]))
      return pick([
        `${condition(0)} && ${condition(depth - 1)}`,
        `(${condition(0)} || ${condition(depth - 1)})`,
        `!(${condition(depth - 1)})`,
        `p(${number(1)})`,
      ]);
    return `(${number(1)}) ${pick(['<', '<=', '>', '>=', '===', '!=='])} ${number(0)}`;
  };
  const onGrid = (text: string): string => `Math.floor(4 * (${text})) / 4 % 16`;
  const assignment = (): string => {
    const name = pick(variables);
    return pick([
      `${name} = ${onGrid(number(2))};`,
      `${name} += ${leaf()}; ${name} = ${onGrid(name)};`,
      `${name} *= ${pick(['2', '0.5', '-1'])}; ${name} = ${onGrid(name)};`,
      `${name}++; ${name} %= 16;`,
      `${name} = ${condition(1)} ? ${onGrid(number(1))} : ${leaf()};`,
    ]);
  };
  const inner = (depth: number, loop: boolean): string => {
    const kept = variables.length;
    const text = Array.from({ length: pick([1, 2, 3]) }, () => statement(depth, loop)).join(' ');
    variables.length = kept;
    return text;
  };
  const loop = (depth: number): string => {
    const counter = `i${names++}`;
    const outer = counters.length > 0 ? pick(counters) : '3';
    const head = pick([
      `let ${counter} = 0; ${counter} < ${pick([2, 3, 5])}; ${counter}++`,
      `let ${counter} = ${pick([3, 6])}; ${counter} >= 0; ${counter} -= ${pick([1, 2])}`,
      `let ${counter} = 0; ${counter} <= ${outer}; ${counter}++`,
      `let ${counter} = 1; ${counter} < this.constants.n && ${condition(0)}; ${counter} += 2`,
    ]);
    counters.push(counter);
    const text = `for (${head}) { ${inner(depth - 1, true)} }`;
    counters.pop();
    return text;
  };
  const statement = (depth: number, inLoop: boolean): string => {
    if (variables.length === 0 || pick([0, 1, 2, 3]) === 0) {
      const name = `v${names++}`;
      const text = `let ${name} = ${onGrid(number(2))};`;
      variables.push(name);
      return text;
    }
    if (depth === 0) return assignment();
    return pick<() => string>([
      assignment,
      assignment,
      () => `if (${condition(1)}) { ${inner(depth - 1, inLoop)} } else { ${inner(depth - 1, inLoop)} }`,
      () => `if (${condition(1)}) { ${inner(depth - 1, inLoop)} }`,
      () => loop(depth),
      () =>
        inLoop
          ? `if (${condition(0)}) ${pick(['continue', 'break'])};`
          : `if (${condition(0)}) return ${leaf()};`,
    ])();
  };
  const body = Array.from({ length: 6 }, () => statement(3, false)).join('\n  ');
  return `function (x) {\n  ${body}\n  return ${number(1)} + ${variables.map((name, i) => `${name} * ${i + 1}`).join(' + ') || 0};\n}`;
}

/** The functions that the programs call. */
export const PROGRAM_FUNCTIONS: readonly string[] = [
  'function f(a, b) { let s = a; if (p(b)) s -= b; for (let i = 0; i < 2; i++) s += 0.25 * i; return s; }',
  'function p(v) { return v > 0.5 && v < 8; }',
];

/** Choices that follow from a seed. */
function picker(seed: number): <T>(from: readonly T[]) => T {
  let state = (seed * 2654435761 + 1) >>> 0;
  return (from) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return from[state % from.length]!;
  };
}
