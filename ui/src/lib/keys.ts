/// Keyboard shortcuts: single keys, and `g` followed by a letter.

import { signal } from '@preact/signals';
import { recall, remember } from './memory';

export interface Shortcut {
  keys: string;
  does: string;
  run(): void;
}

/// Single keys can be switched off (WCAG 2.1.4).
export const keys_on = signal(recall('keys') !== 'off');

export function set_keys_on(on: boolean): void {
  keys_on.value = on;
  remember('keys', on ? null : 'off');
}

const sequence_ms = 1500;

/// Finds the shortcut that a key completes. `pending` is the key before, if it is recent.
export class KeyReader {
  private pending = '';
  private pending_at = 0;

  read(key: string, at: number, known: readonly Shortcut[]): Shortcut | null {
    const before = at - this.pending_at <= sequence_ms ? this.pending : '';
    this.pending = '';
    const found = (before && known.find((one) => one.keys === `${before} ${key}`))
      || known.find((one) => one.keys === key);
    if (found) return found;
    if (known.some((one) => one.keys.startsWith(`${key} `))) {
      this.pending = key;
      this.pending_at = at;
    }
    return null;
  }
}

/// Whether keys belong to the element itself, such as a field that is written in.
export function takes_keys(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

const by_screen = signal<Shortcut[]>([]);
const everywhere = signal<() => Shortcut[]>(() => []);

export function all_shortcuts(): Shortcut[] {
  return [...everywhere.value(), ...by_screen.value];
}

/// Adds shortcuts of a screen or widget; returns what removes them.
export function add_shortcuts(list: Shortcut[]): () => void {
  by_screen.value = [...by_screen.value, ...list];
  return () => {
    by_screen.value = by_screen.value.filter((one) => !list.includes(one));
  };
}

/// `global` is asked at each key, as who signs in may go to more screens.
export function listen_to_keys(global: () => Shortcut[]): void {
  everywhere.value = global;
  const reader = new KeyReader();
  document.addEventListener('keydown', (event) => {
    if (!keys_on.value || event.defaultPrevented || takes_keys(event.target)) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector('dialog[open]') && event.key !== '?') return;
    const found = reader.read(event.key, event.timeStamp, all_shortcuts());
    if (!found) return;
    event.preventDefault();
    found.run();
  });
}
