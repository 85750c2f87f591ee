/// What stands around every screen: where one is, where one can go, and whether it is live.

import { computed, signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { visible } from '../lib/format';
import { all_shortcuts, keys_on, set_keys_on } from '../lib/keys';
import { live } from '../lib/live';
import { is_global_admin, may_enter, session, share_over, sign_out } from '../lib/session';
import { share_base } from '../lib/share';
import { href, location, view } from '../lib/state';
import { next_theme, set_theme, theme } from '../lib/theme';
import { LiveDot } from './live_dot';
import { is_away } from './widget';

export const places = [
  { path: '/', name: 'Overview', key: 'o', is_shared: true },
  { path: '/page', name: 'Page', key: 'p', is_shared: true },
  { path: '/live', name: 'Live', key: 'l', is_shared: true },
  { path: '/actors', name: 'Actors', key: 'a', for_admins: true },
  { path: '/system', name: 'System', key: 's', for_admins: true },
  { path: '/try', name: 'Try', key: 't' },
  { path: '/settings', name: 'Settings', key: 'e', for_admins: true },
] as const;

export type Place = (typeof places)[number];

/// The screens that this person may see; none before it is known who that is.
export const open_places = computed<Place[]>(() => places.filter((place) =>
  may_enter.value && (share_base ? 'is_shared' in place
    : is_global_admin.value || !('for_admins' in place))));

export const help_open = signal(false);

function is_here(path: string): boolean {
  const here = location.value.path;
  return path === '/' ? here === '/' : here === path || here.startsWith(`${path}/`);
}

export function Shell({ children }: { children: ComponentChildren }) {
  // A link shows one site, and its address does not name it.
  const site = (share_base && session.value?.site) || view.value.site;
  return (
    <>
      <a class="skip" href="#main">Skip to the numbers</a>
      <header class="top">
        <a class="brand" href={href('/')}><Mark /> Footfall</a>
        {may_enter.value && <nav aria-label="Screens">
          {open_places.value.map((place) => (
            <a key={place.path} href={href(place.path)}
              aria-current={is_here(place.path) ? 'page' : undefined}>{place.name}</a>
          ))}
        </nav>}
        <Person />
        <div class="top-end">
          {may_enter.value && site && <span class="quiet">site {visible(site)}</span>}
          {!share_over.value && <LiveDot />}
          <ThemeButton />
          <button type="button" class="icon" aria-label="Keyboard shortcuts"
            onClick={() => { help_open.value = true; }}>?</button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Banner />
        {not_left.value && <p class="banner" role="alert"><span aria-hidden="true">▲ </span>
          You are still signed in. {not_left.value}</p>}
        {children}
      </main>
      <Help />
    </>
  );
}

/// Why signing out failed.
const not_left = signal('');

/// Who is signed in, and the way out.
function Person() {
  const { signed_in, name = '' } = session.value ?? {};
  if (!signed_in || !name) return null;
  const leave = async () => {
    not_left.value = '';
    not_left.value = (await sign_out())?.detail ?? '';
  };
  return (
    <div class="person">
      <span class="foreign person-name" title={`Signed in as ${visible(name)}`} dir="auto">
        <span class="sr">Signed in as </span>{visible(name)}</span>
      <button type="button" class="plain" onClick={() => void leave()}>Sign out</button>
    </div>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 22 22" width="22" height="22" aria-hidden="true">
      <path d="M3 19v-7M8.3 19v-4.500M13.700 19V3M19 19V9" />
    </svg>
  );
}

const theme_marks = { system: '◐', light: '○', dark: '●' } as const;

function ThemeButton() {
  return (
    <button type="button" class="icon" title={`Colours: ${theme.value}`}
      aria-label={`Colours: ${theme.value}. Change to ${next_theme()}`}
      onClick={() => set_theme(next_theme())}>
      {theme_marks[theme.value]}
    </button>
  );
}

/// Says what happened when the server is away, and that it comes back by itself.
function Banner() {
  const state = live.state.value;
  if (state === 'polling') {
    return <p class="banner">
      The live stream does not get through, perhaps because of a proxy that buffers. The
      numbers are asked for every 10 seconds instead.
    </p>;
  }
  if (!is_away()) return null;
  return (
    <p class="banner">
      <span aria-hidden="true">□ </span>Live updates stopped, and questions fail as well. What
      you see is what was true last; this page goes on by itself when the server is back.{' '}
      <button type="button" class="link" onClick={() => live.retry_now()}>Try now</button>
    </p>
  );
}

function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (help_open.value && !dialog.current?.open) dialog.current?.showModal();
    if (!help_open.value) dialog.current?.close();
  }, [help_open.value]);
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={() => { help_open.value = false; }}>
      <header class="widget-head">
        <h2 id="help-title">Keyboard</h2>
        <button type="button" class="link" onClick={() => dialog.current?.close()}>Close</button>
      </header>
      <table>
        <tbody>
          {all_shortcuts().map((one) => (
            <tr key={one.keys}>
              <th scope="row">{one.keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</th>
              <td>{one.does}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <label class="check">
        <input type="checkbox" checked={keys_on.value}
          onChange={(event) => set_keys_on(event.currentTarget.checked)} />
        Single keys work outside of fields
      </label>
    </dialog>
  );
}
