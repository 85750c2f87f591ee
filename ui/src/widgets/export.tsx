/// Saves exactly what is on screen, as CSV or NDJSON.

import { useEffect, useRef } from 'preact/hooks';
import { file_name, save, to_csv, to_ndjson } from '../lib/csv';
import { add_shortcuts } from '../lib/keys';
import { Copy } from './bits';
import { sheets } from './sheets';

export function ExportMenu({ api }: { api: string }) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => add_shortcuts([{
    keys: 'e', does: 'Export what is on screen',
    run: () => {
      if (!menu.current) return;
      menu.current.open = true;
      menu.current.querySelector('summary')?.focus();
    },
  }]), []);
  useEffect(() => close_outside(menu), []);
  return (
    <details class="menu" ref={menu}>
      <summary>Export</summary>
      <div class="menu-body">
        {[...sheets.value.entries()].map(([name, make]) => (
          <div class="menu-row" key={name}>
            <span>{name}</span>
            <button type="button" class="link" aria-label={`${name} as CSV`} onClick={() =>
              save(to_csv(make()), file_name(make(), 'csv'), 'text/csv')}>CSV</button>
            <button type="button" class="link" aria-label={`${name} as NDJSON`} onClick={() =>
              save(to_ndjson(make()), file_name(make(), 'ndjson'), 'application/x-ndjson')}>
              NDJSON
            </button>
          </div>
        ))}
        {sheets.value.size === 0 && <p class="quiet">Nothing is on screen yet.</p>}
        <p class="menu-foot">
          <Copy text={window.location.origin + api} label="Copy the address of this answer" />
        </p>
      </div>
    </details>
  );
}

/// Ends an open menu on Escape and on a click elsewhere.
export function close_outside(menu: { current: HTMLDetailsElement | null }): () => void {
  const on_click = (event: Event) => {
    if (menu.current?.open && !menu.current.contains(event.target as Node)) {
      menu.current.open = false;
    }
  };
  const on_key = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !menu.current?.open) return;
    menu.current.open = false;
    menu.current.querySelector('summary')?.focus();
  };
  document.addEventListener('click', on_click);
  document.addEventListener('keydown', on_key);
  return () => {
    document.removeEventListener('click', on_click);
    document.removeEventListener('keydown', on_key);
  };
}
