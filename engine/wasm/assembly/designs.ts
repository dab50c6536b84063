// Rows of pick-freeze designs. See ../twins/pick-freeze.ts.

export function pickFreeze(
  matrices: usize, size: u32, program: usize, kinds: u32, d: u32, rows: usize, lo: u32, hi: u32,
): void {
  const width = <usize>d << 3;
  let at = rows + <usize>lo * <usize>kinds * width;
  for (let i = lo; i < hi; i++) {
    const point = matrices + <usize>i * width;
    let word = program;
    for (let kind: u32 = 0; kind < kinds; kind++) {
      const base = point + (<usize>load<u32>(word) * <usize>size << 3);
      const source = point + (<usize>load<u32>(word, 4) * <usize>size << 3);
      const end = word + 12 + (<usize>load<u32>(word, 8) << 2);
      let c: usize = 0;
      for (; c + 32 <= width; c += 32) {
        v128.store(at + c, v128.load(base + c));
        v128.store(at + c, v128.load(base + c, 16), 16);
      }
      for (; c < width; c += 8) store<f64>(at + c, load<f64>(base + c));
      for (word += 12; word < end; word += 4) {
        const column = <usize>load<u32>(word) << 3;
        store<f64>(at + column, load<f64>(source + column));
      }
      at += width;
    }
  }
}
