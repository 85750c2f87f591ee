/// What the address bar says, as signals: the screen, the site and the view.

import { computed, signal } from '@preact/signals';
import type { Params } from './api';
import { is_zone } from './format';
import { recall, remember } from './memory';
import { type Compare, type Range, type RangeName, compare_names, is_range_name } from './ranges';
import { share_base } from './share';
import { browser_zone } from './zones';

export interface Location {
  path: string;
  query: URLSearchParams;
}

export interface View {
  site: string;
  range: Range;
  tz: string;
  compare: Compare;
}

const default_range: RangeName = '7d';

function is_instant(text: string | null): text is string {
  return text !== null && !Number.isNaN(Date.parse(text));
}

/// Reads a view out of a query; what is not valid there counts as left out.
export function parse_view(query: URLSearchParams, zone: string): View {
  const tz = query.get('tz');
  const compare = query.get('compare');
  const [name, from, to] = [query.get('range'), query.get('from'), query.get('to')];
  const custom = is_instant(from) && is_instant(to) && Date.parse(from) < Date.parse(to);
  return {
    site: query.get('site') ?? '',
    range: custom
      ? { name: null, from, to }
      : { name: is_range_name(name) ? name : default_range, from: null, to: null },
    tz: tz && is_zone(tz) ? tz : zone,
    compare: compare_names.find((known) => known === compare) ?? 'previous',
  };
}

/// Writes a view into a query beside what else stands there.
export function write_view(query: URLSearchParams, view: View): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const name of ['range', 'from', 'to']) next.delete(name);
  if (view.range.name) {
    if (view.range.name !== default_range) next.set('range', view.range.name);
  } else {
    next.set('from', view.range.from ?? '');
    next.set('to', view.range.to ?? '');
  }
  set_or_delete(next, 'site', view.site);
  set_or_delete(next, 'tz', view.tz);
  set_or_delete(next, 'compare', view.compare === 'previous' ? '' : view.compare);
  return next;
}

function set_or_delete(query: URLSearchParams, name: string, value: string): void {
  if (value) query.set(name, value);
  else query.delete(name);
}

/// The screen that a path of the address bar stands for.
function screen_path(path: string): string {
  return share_base && path.startsWith(share_base) ? path.slice(share_base.length) || '/' : path;
}

function read_location(): Location {
  if (typeof window === 'undefined') return { path: '/', query: new URLSearchParams() };
  return {
    path: screen_path(window.location.pathname),
    query: new URLSearchParams(window.location.search),
  };
}

export const location = signal<Location>(read_location());

const kept_zone = recall('zone');
const home_zone = signal(kept_zone && is_zone(kept_zone) ? kept_zone : browser_zone());

export const view = computed<View>(() => parse_view(location.value.query, home_zone.value));

/// The parameter that names the site; none for the default one, or for that of a link.
export function site_params(): Params {
  return { site: share_base ? null : view.value.site || null };
}

function show(path: string, query: URLSearchParams, replace: boolean): void {
  const text = query.toString();
  const at = share_base + path;
  const url = text ? `${at}?${text}` : at;
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  location.value = read_location();
}

/// Goes to a screen of ours. Site, zone, range and compare go along.
export function href(path: string, extra: Record<string, string> = {}): string {
  const query = new URLSearchParams();
  for (const name of ['site', 'range', 'from', 'to', 'tz', 'compare']) {
    const value = location.value.query.get(name);
    if (value) query.set(name, value);
  }
  for (const [name, value] of Object.entries(extra)) query.set(name, value);
  const text = query.toString();
  const at = share_base + path;
  return text ? `${at}?${text}` : at;
}

export function navigate(to: string): void {
  const url = new URL(to, window.location.origin);
  const path = screen_path(url.pathname);
  const moved = path !== location.value.path;
  show(path, url.searchParams, false);
  if (moved) window.scrollTo(0, 0);
}

export function set_view(change: Partial<View>): void {
  if (change.tz) {
    home_zone.value = change.tz;
    remember('zone', change.tz);
  }
  show(location.value.path, write_view(location.value.query, { ...view.value, ...change }), false);
}

/// Sets parameters of a screen's own; an empty text removes one.
export function set_query(values: Record<string, string>): void {
  const query = new URLSearchParams(location.value.query);
  for (const [name, value] of Object.entries(values)) set_or_delete(query, name, value);
  show(location.value.path, query, true);
}

/// Follows the back button, and links to our own screens without loading the page again.
export function follow_links(): void {
  window.addEventListener('popstate', () => {
    location.value = read_location();
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || link.target || link.hasAttribute('download')) return;
    if (link.origin !== window.location.origin || link.pathname.includes('/v1/')) return;
    if (link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    navigate(link.href);
  });
}

/// The time now, to the second; stands still while nobody looks.
export const now = signal(Date.now());

export function run_clock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1000);
}
