/// Range, comparison, zone, refresh and export: one row above the numbers.

import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { day } from '../lib/format';
import { add_shortcuts } from '../lib/keys';
import {
  compare_labels, compare_names, instant_text, is_range_name, named, range_labels, range_names,
  shifted, type Compare,
} from '../lib/ranges';
import { set_view, view } from '../lib/state';
import { all_zones, browser_zone, instant_of, shift_wall } from '../lib/zones';
import { ExportMenu } from './export';

interface ControlsProps {
  /// How the server resolved the range; null before it told.
  resolved: { from: string; to: string } | null;
  refresh(): void;
  /// The address of the call behind the screen.
  api: string;
}

export function Controls({ resolved, refresh, api }: ControlsProps) {
  const range_menu = useRef<HTMLSelectElement>(null);
  const shift = (sign: -1 | 1) => {
    if (!resolved) return;
    const { range, tz } = view.value;
    const next = shifted(range, new Date(resolved.from), new Date(resolved.to), sign, tz,
      new Date());
    if (next) set_view({ range: next });
  };
  const shift_ref = useRef(shift);
  shift_ref.current = shift;
  useEffect(() => add_shortcuts([
    { keys: 'r', does: 'Choose the range', run: () => open_menu(range_menu.current) },
    { keys: '[', does: 'The period before', run: () => shift_ref.current(-1) },
    { keys: ']', does: 'The period after', run: () => shift_ref.current(1) },
    { keys: 'c', does: 'Compare with: previous, a year before, nothing', run: next_compare },
  ]), []);
  return (
    <div class="controls">
      <RangeMenu menu={range_menu} />
      <span class="pair">
        <button type="button" class="icon" aria-label="The period before" disabled={!resolved}
          onClick={() => shift(-1)}>‹</button>
        <button type="button" class="icon" aria-label="The period after"
          disabled={!resolved || Date.parse(resolved.to) >= Date.now() - 60_000}
          onClick={() => shift(1)}>›</button>
      </span>
      <CompareMenu />
      <ZoneMenu />
      <span class="controls-end">
        <button type="button" class="plain" onClick={refresh}>Refresh</button>
        <ExportMenu api={api} />
      </span>
      {view.value.range.name === null && <CustomRange />}
    </div>
  );
}

function open_menu(menu: HTMLSelectElement | null): void {
  menu?.focus();
  try {
    menu?.showPicker();
  } catch {
    // Not every browser opens it; it has the focus all the same.
  }
}

function next_compare(): void {
  const at = compare_names.indexOf(view.value.compare);
  set_view({ compare: compare_names[(at + 1) % compare_names.length] ?? 'previous' });
}

function RangeMenu({ menu }: { menu: { current: HTMLSelectElement | null } }) {
  const { range, tz } = view.value;
  const choose = (value: string) => {
    if (is_range_name(value)) return set_view({ range: named(value) });
    const today = instant_of({ ...wall_day(new Date(), tz) }, tz);
    const from = shift_wall(today, -13, 0, tz);
    const to = shift_wall(today, 1, 0, tz);
    set_view({ range: { name: null, from: instant_text(from), to: instant_text(to) } });
  };
  return (
    <label class="field-inline">
      <span class="sr">Range</span>
      <select ref={menu} value={range.name ?? 'custom'}
        onChange={(event) => choose(event.currentTarget.value)}>
        {range_names.map((name) => <option key={name} value={name}>{range_labels[name]}</option>)}
        <option value="custom">From … to …</option>
      </select>
    </label>
  );
}

function wall_day(at: Date, tz: string) {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone: tz }).format(at).split('-');
  const [year = 0, month = 1, date = 1] = parts.map(Number);
  return { year, month, day: date, hour: 0, minute: 0 };
}

function date_text(at: Date, tz: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: tz }).format(at);
}

function midnight_of(date: string, tz: string): Date | null {
  const [year, month, of_month] = date.split('-').map(Number);
  if (!year || !month || !of_month) return null;
  return instant_of({ year, month, day: of_month, hour: 0, minute: 0 }, tz);
}

/// Whole days of the chosen zone, both included.
function CustomRange() {
  const { range, tz } = view.value;
  const problem = useSignal('');
  const from = new Date(range.from ?? 0);
  const to = new Date(range.to ?? 0);
  const last = new Date(to.getTime() - 1);
  const choose = (first_day: string, last_day: string) => {
    const begin = midnight_of(first_day, tz);
    const end = midnight_of(last_day, tz);
    if (!begin || !end) return;
    problem.value = begin > end ? 'The range ends before it begins.' : '';
    if (problem.value) return;
    const after = shift_wall(end, 1, 0, tz);
    set_view({ range: { name: null, from: instant_text(begin), to: instant_text(after) } });
  };
  return (
    <span class="custom">
      <label>From <input type="date" value={date_text(from, tz)} onChange={(event) =>
        choose(event.currentTarget.value, date_text(last, tz))} /></label>
      <label>to <input type="date" value={date_text(last, tz)} onChange={(event) =>
        choose(date_text(from, tz), event.currentTarget.value)} /></label>
      <span class="quiet">{day(from, tz)} to {day(last, tz)}</span>
      {problem.value && <span class="bad" role="alert">{problem.value}</span>}
    </span>
  );
}

function CompareMenu() {
  return (
    <label class="field-inline">
      <span class="quiet">with</span>
      <select value={view.value.compare} onChange={(event) =>
        set_view({ compare: event.currentTarget.value as Compare })}>
        {compare_names.map((name) => (
          <option key={name} value={name}>{compare_labels[name]}</option>
        ))}
      </select>
    </label>
  );
}

const zones = all_zones();

export function ZoneMenu() {
  const here = browser_zone();
  const known = zones.includes(view.value.tz) ? zones : [view.value.tz, ...zones];
  return (
    <label class="field-inline">
      <span class="sr">Time zone</span>
      <select class="zone" value={view.value.tz}
        onChange={(event) => set_view({ tz: event.currentTarget.value })}>
        <optgroup label="This browser">
          <option value={here}>{here}</option>
        </optgroup>
        <optgroup label="All zones">
          {known.filter((zone) => zone !== here)
            .map((zone) => <option key={zone} value={zone}>{zone}</option>)}
        </optgroup>
      </select>
    </label>
  );
}
