import { describe, expect, test } from 'vitest';
import { openAhead } from '../../engine/cluster/bullmq/ahead.ts';

describe('openAhead', () => {
  test('openAhead(): one shard ahead at first, and of shards that take long', () => {
    const ahead = openAhead(2, 5);
    expect(ahead.claims).toBe(3);
    for (let i = 0; i < 100; i++) ahead.took(50);
    expect(ahead.claims).toBe(3);
  });

  test('openAhead(): of short shards one more for each that was seen, up to fifteen for a thread', () => {
    const ahead = openAhead(2, 5);
    const claims: number[] = [];
    for (let i = 0; i < 40; i++) {
      ahead.took(0.05);
      claims.push(ahead.claims);
    }
    expect(claims.slice(0, 3)).toEqual([4, 5, 6]);
    expect(claims.at(-1)).toBe(33);
  });

  test('openAhead(): as many as are computed in 5 ms', () => {
    const ahead = openAhead(1, 5);
    for (let i = 0; i < 100; i++) ahead.took(1);
    expect(ahead.claims).toBe(2 + 5);
  });

  test('openAhead(): longer shards bring the claims down, a shard that was begun before at once', () => {
    const ahead = openAhead(1, 5);
    for (let i = 0; i < 20; i++) ahead.took(0.1);
    expect(ahead.claims).toBe(17);
    for (let i = 0; i < 30; i++) ahead.took(20);
    expect(ahead.claims).toBe(2);
    for (let i = 0; i < 200; i++) ahead.took(0.1);
    expect(ahead.claims).toBe(17);
    ahead.begunBefore();
    expect(ahead.claims).toBe(2);
    ahead.took(0.1);
    expect(ahead.claims).toBe(3);
  });
});
