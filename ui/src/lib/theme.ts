/// Light, dark, or as the system has it.

import { signal } from '@preact/signals';
import { recall, remember } from './memory';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const kept = recall('theme');
export const theme = signal<Theme>(themes.find((name) => name === kept) ?? 'system');

/// Rises when colours change for whatever reason; what draws by itself reads it.
export const colours_version = signal(0);

export function set_theme(next: Theme): void {
  theme.value = next;
  remember('theme', next === 'system' ? null : next);
  apply_theme();
}

export function next_theme(): Theme {
  return themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system';
}

export function apply_theme(): void {
  const root = document.documentElement;
  if (theme.value === 'system') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', theme.value);
  colours_version.value += 1;
}

export function follow_system(): void {
  apply_theme();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply_theme);
}

/// The value of a colour token, as it is now.
export function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}
