/** What a draw is for: the high byte of the last counter word. Add a row before using a new one; 32..63 are the user's. */
export const PURPOSE = {
  init: 0,
  mutation: 1,
  resampling: 2,
  proposal: 3,
  acceptance: 4,
  backward: 5,
  permutation: 6,
  scramble: 7,
  component: 8,
  point: 9,
  bootstrap: 10,
  design: 11,
  diffusion: 12,
  jump: 13,
  langevin: 14,
  noiseLevel: 15,
  treeSelection: 16,
  treeChild: 17,
  treeRollout: 18,
} as const;

export type Purpose = (typeof PURPOSE)[keyof typeof PURPOSE];

/** What a child generator is for. Tags from 2^31 on are the user's. */
export const TAG = {
  replicate: 0,
  chain: 1,
  outerParticle: 2,
  innerFilter: 3,
  pilot: 4,
  pointSet: 5,
  chunk: 6,
  level: 7,
} as const;
