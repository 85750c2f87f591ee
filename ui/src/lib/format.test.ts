import { describe, expect, it } from 'vitest';
import {
  age, bucket_label, change, milliseconds, percent, span, tick_label, visible, web_address,
} from './format';

describe('numbers', () => {
  it('never tell something as nothing, or a part as all', () => {
    expect(percent(1, 100_000)).toBe('< 0.1 %');
    expect(percent(99_999, 100_000)).toBe('> 99.9 %');
    expect(percent(0, 5)).toBe('0 %');
    expect(percent(5, 5)).toBe('100 %');
    expect(percent(0, 0)).toBe('–');
  });
  it('compare with the period before', () => {
    expect(change(150, 100)).toEqual({ direction: 'up', text: '50 %' });
    expect(change(50, 100)).toEqual({ direction: 'down', text: '50 %' });
    expect(change(100, 100)).toEqual({ direction: 'same', text: 'no change' });
    expect(change(3, 0)).toEqual({ direction: 'up', text: 'none before' });
    expect(change(0, 0)).toBeNull();
    expect(change(2100, 100)?.text).toBe('21 times');
  });
  it('tell times in units that fit', () => {
    expect(milliseconds(0.42)).toBe('0.4 ms');
    expect(milliseconds(63.2)).toBe('63 ms');
    expect(milliseconds(1638.4)).toBe('1.6 s');
    expect(span(75)).toBe('1 min 15 s');
    expect(span(90_000)).toBe('1 day 1 h');
    expect(age(1000, 1900)).toBe('just now');
    expect(age(0, 48_000)).toBe('48 s ago');
  });
});

describe('times', () => {
  const at = new Date('2026-11-28T18:15:00Z');
  it('are told in the named zone', () => {
    expect(bucket_label(at, 'day', 'Asia/Kathmandu')).toBe('Sun 29 Nov');
    expect(bucket_label(at, 'day', 'UTC')).toBe('Sat 28 Nov');
    expect(tick_label(at, 'hour', 'America/St_Johns')).toBe('14:45');
    expect(bucket_label(at, 'month', 'UTC')).toBe('November 2026');
  });
});

describe('text of strangers', () => {
  it('shows what turns or hides it', () => {
    expect(visible('evil\u202egnp.exe')).toBe('evil\\u{202e}gnp.exe');
    expect(visible('a\u200bb\n')).toBe('a\\u{200b}b\\u{a}');
    expect(visible('/größe/価格')).toBe('/größe/価格');
  });
  it('is a link only when it is an address of the web', () => {
    expect(web_address('https://example.com/a')).toBe('https://example.com/a');
    for (const bad of ['javascript:alert(1)', 'data:text/html,x', '/pricing', '//evil.example',
      'https://', ' https://example.com', 'https://a\u202eb/', 'ftp://example.com']) {
      expect(web_address(bad)).toBeNull();
    }
  });
});
