/// The address of a shared view: `/s/` and the token of a link. Everything that such a page asks,
/// and every screen it shows, stands below it.

const address = /^\/s\/[\w-]{22}(?=\/|$)/;

export function share_base_of(path: string): string {
  return address.exec(path)?.[0] ?? '';
}

/// Empty where the page is no shared view.
export const share_base = typeof window === 'undefined' ? ''
  : share_base_of(window.location.pathname);
