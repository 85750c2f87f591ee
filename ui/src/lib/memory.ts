/// A few preferences in the browser's storage; without it they last until the page is closed.

const prefix = 'footfall.';

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(prefix + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, value);
  } catch {
    // Storage may be switched off; then the preference is not kept.
  }
}
