/// Ranges of time: their names, and how one moves to the next or the previous.

import type { Params, Step } from './api';
import { is_midnight, shift_wall } from './zones';

export const range_names = ['live', 'today', '7d', '30d', 'month', '12mo'] as const;
export type RangeName = (typeof range_names)[number];

export const range_labels: Record<RangeName, string> = {
  live: 'Last 60 minutes',
  today: 'Today',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  month: 'This month',
  '12mo': 'Last 12 months',
};

export const compare_names = ['previous', 'year', 'none'] as const;
export type Compare = (typeof compare_names)[number];

export const compare_labels: Record<Compare, string> = {
  previous: 'previous period',
  year: 'a year before',
  none: 'nothing',
};

/// A range by its name, or from one instant to before another.
export interface Range {
  name: RangeName | null;
  from: string | null;
  to: string | null;
}

export function named(name: RangeName): Range {
  return { name, from: null, to: null };
}

export function is_range_name(text: string | null): text is RangeName {
  return (range_names as readonly string[]).includes(text ?? '');
}

const minute_ms = 60_000;
const hour_ms = 60 * minute_ms;
const day_ms = 24 * hour_ms;

/// Steps that draw a range of this length well: some dozens of points.
export function step_for(from: Date, to: Date): Step {
  const length = to.getTime() - from.getTime();
  if (length <= 3 * hour_ms) return 'minute';
  if (length <= 3 * day_ms) return 'hour';
  if (length <= 100 * day_ms) return 'day';
  if (length <= 400 * day_ms) return 'week';
  return 'month';
}

/// The parameters that ask the server for a range.
export function range_params(range: Range): Params {
  if (range.name) return { range: range.name };
  return { from: range.from, to: range.to };
}

/// The same for series, which need a step where the range has no name.
export function series_params(range: Range): Params {
  if (range.name || !range.from || !range.to) return range_params(range);
  const step = step_for(new Date(range.from), new Date(range.to));
  return { ...range_params(range), step };
}

/// RFC 3339 without fractions, as the server writes it.
export function instant_text(at: Date): string {
  return at.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

interface Steps {
  days: number;
  months: number;
  ms: number;
}

function length_of(range: Range, from: Date, to: Date, tz: string): Steps {
  switch (range.name) {
    case 'live': return { days: 0, months: 0, ms: hour_ms };
    case 'today': return { days: 1, months: 0, ms: 0 };
    case '7d': return { days: 7, months: 0, ms: 0 };
    case '30d': return { days: 30, months: 0, ms: 0 };
    case 'month': return { days: 0, months: 1, ms: 0 };
    case '12mo': return { days: 0, months: 12, ms: 0 };
    case null: break;
  }
  if (is_midnight(from, tz) && is_midnight(to, tz)) {
    const months = whole_months(from, to, tz);
    if (months > 0) return { days: 0, months, ms: 0 };
    return { days: Math.round((to.getTime() - from.getTime()) / day_ms), months: 0, ms: 0 };
  }
  return { days: 0, months: 0, ms: to.getTime() - from.getTime() };
}

function whole_months(from: Date, to: Date, tz: string): number {
  for (const months of [1, 12]) {
    if (shift_wall(from, 0, months, tz).getTime() === to.getTime()) return months;
  }
  return 0;
}

function moved(at: Date, by: Steps, sign: number, tz: string): Date {
  if (by.ms) return new Date(at.getTime() + sign * by.ms);
  return shift_wall(at, sign * by.days, sign * by.months, tz);
}

/// The range before (`sign` -1) or after (+1) one that the server resolved to `from`, `to`.
/// Null when it would lie wholly in the future.
export function shifted(
  range: Range, from: Date, to: Date, sign: -1 | 1, tz: string, now: Date,
): Range | null {
  const by = length_of(range, from, to, tz);
  const begin = moved(from, by, sign, tz);
  if (begin.getTime() >= now.getTime()) return null;
  const end = moved(begin, by, 1, tz);
  return { name: null, from: instant_text(begin), to: instant_text(end) };
}
