import type { Shader } from '../gpu/types.ts';

/** Texts remembered; a program has a few dozen. */
const MOST = 256;

const known = new Map<string, Shader>();

/**
 * One object for all shaders of the same text and buffers: a card compiles a shader once for each object, and those made
 * of a kernel's text are made anew by everyone who uses the kernel.
 */
export function sameShader<S extends Shader>(shader: S): S {
  const key = `${shader.name} ${JSON.stringify(shader.buffers)} ${shader.code}`;
  // The same name, text and buffers come from the same function, hence the same type.
  const found = known.get(key) as S | undefined;
  if (found !== undefined) return found;
  if (known.size === MOST) known.delete(known.keys().next().value!);
  known.set(key, shader);
  return shader;
}
