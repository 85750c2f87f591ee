/// Numbers, times and hostile text as people read them. Times are always told in one
/// named zone, the one that the server cut the ranges in.

import type { Step } from './api';

const whole = new Intl.NumberFormat('en');
const one_digit = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export function number(value: number): string {
  return whole.format(value);
}

export function short_number(value: number): string {
  return Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value);
}

export function rate(value: number): string {
  return value >= 100 ? whole.format(Math.round(value)) : one_digit.format(value);
}

/// Share of `part` in `total`; what is not nothing is never told as 0 %.
export function percent(part: number, total: number): string {
  if (total <= 0) return '–';
  const share = (part / total) * 100;
  if (part > 0 && share < 0.1) return '< 0.1 %';
  if (part < total && share > 99.9) return '> 99.9 %';
  return `${one_digit.format(share)} %`;
}

export interface Change {
  direction: 'up' | 'down' | 'same';
  text: string;
}

/// How `now` differs from `before`; null when there is nothing to compare with.
export function change(now: number, before: number): Change | null {
  if (before === 0) return now === 0 ? null : { direction: 'up', text: 'none before' };
  const ratio = (now - before) / before;
  const direction = now > before ? 'up' : now < before ? 'down' : 'same';
  if (ratio >= 10) return { direction, text: `${whole.format(Math.round(ratio + 1))} times` };
  const text = `${one_digit.format(Math.abs(ratio) * 100)} %`;
  return { direction, text: direction === 'same' ? 'no change' : text };
}

export function count_of(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

export function milliseconds(value: number): string {
  if (value < 10) return `${one_digit.format(value)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  return `${one_digit.format(value / 1000)} s`;
}

/// A span of time in its largest two units.
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${count_of(Math.floor(s / 86_400), 'day')} ${Math.floor((s % 86_400) / 3600)} h`;
}

export function age(then_ms: number, now_ms: number): string {
  const seconds = (now_ms - then_ms) / 1000;
  return seconds < 1.5 ? 'just now' : `${span(seconds)} ago`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format_in(tz: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = tz + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: tz, hourCycle: 'h23', ...options });
    formats.set(key, format);
  }
  return format;
}

export function is_zone(tz: string): boolean {
  try {
    format_in(tz, {});
    return true;
  } catch {
    return false;
  }
}

export function clock_time(at: Date, tz: string): string {
  return format_in(tz, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at);
}

export function minute_time(at: Date, tz: string): string {
  return format_in(tz, { hour: '2-digit', minute: '2-digit' }).format(at);
}

export function day(at: Date, tz: string): string {
  return format_in(tz, { day: 'numeric', month: 'short', year: 'numeric' }).format(at);
}

export function date_time(at: Date, tz: string): string {
  return `${day(at, tz)}, ${clock_time(at, tz)}`;
}

/// A bucket's name on the axis of a chart.
export function tick_label(at: Date, step: Step, tz: string): string {
  if (step === 'minute' || step === 'hour') return minute_time(at, tz);
  if (step === 'month') return format_in(tz, { month: 'short' }).format(at);
  return format_in(tz, { day: 'numeric', month: 'short' }).format(at);
}

/// A bucket's name in full, for tables, read-outs and export.
export function bucket_label(at: Date, step: Step, tz: string): string {
  if (step === 'month') return format_in(tz, { month: 'long', year: 'numeric' }).format(at);
  const weekday = { weekday: 'short', day: 'numeric', month: 'short' } as const;
  if (step === 'day') return format_in(tz, weekday).format(at);
  if (step === 'week') return `week of ${format_in(tz, weekday).format(at)}`;
  return `${format_in(tz, weekday).format(at)}, ${minute_time(at, tz)}`;
}

// Marks that turn the direction of text, that have no width, and controls: shown by
// their numbers, so that a name cannot pretend to be another one.
const invisible =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/// Text of strangers, safe to read: what cannot be seen stands there as \u{...}.
export function visible(text: string): string {
  return text.replace(invisible, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

/// The address to link to, when `text` is one of the web; null for everything else.
export function web_address(text: string): string | null {
  if (!/^https?:\/\//i.test(text) || visible(text) !== text) return null;
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}
