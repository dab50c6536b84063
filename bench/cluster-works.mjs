/** The work of bench/cluster.bench.ts: holds a thread for so many milliseconds, and answers so many bytes. */
export const spin = {
  name: 'bench-spin',
  version: 1,
  async compute({ index }, { milliseconds = 0, bytes = 8 }) {
    for (const end = performance.now() + milliseconds; performance.now() < end; );
    return new Float64Array(bytes / 8).fill(index);
  },
  codec: {
    encode: (value) => ({ y: { data: value, shape: [value.length] } }),
    decode: ({ y }) => y.data.slice(0, 1),
  },
  merge: (left, right) => Float64Array.of(left[0] + right[0]),
};

export const works = { names: [spin.name], find: () => spin };
