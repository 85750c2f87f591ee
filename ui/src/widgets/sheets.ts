/// The tables that are on screen now, for export.

import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Sheet } from '../lib/csv';

export const sheets = signal<ReadonlyMap<string, () => Sheet>>(new Map());

/// Offers what a widget shows for export while it is on screen. `make` is called when
/// somebody exports, so it costs nothing until then.
export function use_sheet(name: string, make: (() => Sheet) | null): void {
  useEffect(() => {
    if (!make) return;
    sheets.value = new Map(sheets.peek()).set(name, make);
  });
  useEffect(() => () => {
    const rest = new Map(sheets.peek());
    rest.delete(name);
    sheets.value = rest;
  }, [name]);
}
