import { expect, test } from 'vitest';
import { share_base_of } from './share';

test('the address of a shared view is known, and nothing that resembles one', () => {
  const base = '/s/abcdefghijklmnopqrst-_';
  expect(share_base_of(base)).toBe(base);
  expect(share_base_of(`${base}/page`)).toBe(base);
  for (const other of ['/', '/settings', '/s/', '/s/short', `${base}x`, `/x${base}`]) {
    expect(share_base_of(other)).toBe('');
  }
});
