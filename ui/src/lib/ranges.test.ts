import { describe, expect, it } from 'vitest';
import { named, range_params, series_params, shifted, step_for } from './ranges';
import { instant_of, is_midnight, shift_wall } from './zones';

const at = (text: string) => new Date(text);
const now = at('2026-11-29T10:00:00Z');

describe('zones', () => {
  it('find the instant of a wall time, also around a clock change', () => {
    const wall = { year: 2026, month: 3, day: 29, hour: 0, minute: 0 };
    expect(instant_of(wall, 'Europe/Berlin').toISOString()).toBe('2026-03-28T23:00:00.000Z');
    expect(instant_of({ ...wall, day: 30 }, 'Europe/Berlin').toISOString())
      .toBe('2026-03-29T22:00:00.000Z');
    expect(instant_of({ ...wall, month: 11 }, 'Asia/Kathmandu').toISOString())
      .toBe('2026-11-28T18:15:00.000Z');
  });
  it('move by days of 23 and 25 hours', () => {
    const before = at('2026-10-24T22:00:00Z');
    expect(shift_wall(before, 1, 0, 'Europe/Berlin').toISOString())
      .toBe('2026-10-25T23:00:00.000Z');
    expect(is_midnight(at('2026-10-25T23:00:00Z'), 'Europe/Berlin')).toBe(true);
  });
});

describe('ranges', () => {
  it('are asked for by name, or from and to with a step', () => {
    expect(range_params(named('7d'))).toEqual({ range: '7d' });
    const custom = { name: null, from: '2026-11-01T00:00:00Z', to: '2026-11-15T00:00:00Z' };
    expect(series_params(custom)).toEqual({ from: custom.from, to: custom.to, step: 'day' });
  });
  it('have steps that draw some dozens of points', () => {
    expect(step_for(at('2026-11-29T09:00:00Z'), now)).toBe('minute');
    expect(step_for(at('2026-11-28T10:00:00Z'), now)).toBe('hour');
    expect(step_for(at('2026-10-29T10:00:00Z'), now)).toBe('day');
    expect(step_for(at('2025-11-29T10:00:00Z'), now)).toBe('week');
    expect(step_for(at('2020-11-29T10:00:00Z'), now)).toBe('month');
  });
  it('move to the whole period before', () => {
    const [from, to] = [at('2026-11-22T23:00:00Z'), now];
    expect(shifted(named('7d'), from, to, -1, 'Europe/Berlin', now)).toEqual({
      name: null, from: '2026-11-15T23:00:00Z', to: '2026-11-22T23:00:00Z',
    });
    expect(shifted(named('month'), at('2026-10-31T23:00:00Z'), to, -1, 'Europe/Berlin', now))
      .toEqual({ name: null, from: '2026-09-30T22:00:00Z', to: '2026-10-31T23:00:00Z' });
  });
  it('keep moving by months, and by days over a clock change', () => {
    const october = { name: null, from: '2026-09-30T22:00:00Z', to: '2026-10-31T23:00:00Z' };
    expect(shifted(october, at(october.from), at(october.to), -1, 'Europe/Berlin', now))
      .toEqual({ name: null, from: '2026-08-31T22:00:00Z', to: '2026-09-30T22:00:00Z' });
  });
  it('do not move into the future', () => {
    expect(shifted(named('today'), at('2026-11-29T00:00:00Z'), now, 1, 'UTC', now)).toBeNull();
  });
});
