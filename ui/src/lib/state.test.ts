import { describe, expect, it } from 'vitest';
import { address, retry_after } from './api';
import { KeyReader, type Shortcut } from './keys';
import { parse_view, write_view } from './state';

const view_of = (text: string) => parse_view(new URLSearchParams(text), 'Europe/Berlin');

describe('the address bar', () => {
  it('has a view of seven days when it says nothing', () => {
    expect(view_of('')).toEqual({ site: '', tz: 'Europe/Berlin', compare: 'previous',
      range: { name: '7d', from: null, to: null } });
  });
  it('holds a view and gives it back', () => {
    for (const text of ['range=30d&tz=Asia%2FKathmandu&compare=year&site=shop',
      'from=2026-11-01T00%3A00%3A00Z&to=2026-11-15T00%3A00%3A00Z&tz=UTC', 'range=live']) {
      const view = view_of(text);
      expect(parse_view(write_view(new URLSearchParams('u=/a'), view), 'UTC')).toEqual(view);
    }
  });
  it('keeps what is not of the view', () => {
    const query = write_view(new URLSearchParams('u=/a&range=30d'), view_of('range=today'));
    expect(query.get('u')).toBe('/a');
    expect(query.get('range')).toBe('today');
  });
  it('does not believe nonsense', () => {
    const view = view_of('range=ever&tz=Mars/Base&compare=all&from=x&to=y');
    expect(view).toEqual(view_of(''));
    expect(view_of('from=2026-11-15T00:00:00Z&to=2026-11-01T00:00:00Z').range.name).toBe('7d');
  });
});

describe('calls', () => {
  it('leave empty parameters out and escape the rest', () => {
    expect(address('/v1/stats/page', { page_url: '/s?a=1&b=2', site: '', limit: 3, tz: null }))
      .toBe('/v1/stats/page?page_url=%2Fs%3Fa%3D1%26b%3D2&limit=3');
  });
  it('read Retry-After', () => {
    expect(retry_after('7')).toBe(7);
    expect(retry_after(null)).toBeNull();
    expect(retry_after('Wed, 21 Oct 2026 07:28:00 GMT')).toBeNull();
  });
});

describe('keys', () => {
  const shortcut = (keys: string): Shortcut => ({ keys, does: '', run: () => undefined });
  const known = ['g o', 'g a', 'e', 'r'].map(shortcut);
  it('go by one key, or by g and another soon after', () => {
    const reader = new KeyReader();
    expect(reader.read('e', 0, known)?.keys).toBe('e');
    expect(reader.read('g', 100, known)).toBeNull();
    expect(reader.read('a', 300, known)?.keys).toBe('g a');
    expect(reader.read('a', 400, known)).toBeNull();
  });
  it('forget a g that is old, or was followed by something else', () => {
    const reader = new KeyReader();
    reader.read('g', 0, known);
    expect(reader.read('o', 5000, known)).toBeNull();
    reader.read('g', 6000, known);
    expect(reader.read('e', 6100, known)?.keys).toBe('e');
    expect(reader.read('o', 6200, known)).toBeNull();
  });
});
