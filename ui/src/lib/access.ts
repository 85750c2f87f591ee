/// Sites, keys and people: what the node tells admins of them, and what they may change.

import { call } from './api';

/// Stands for every site.
export const all_sites = '*';

export interface SiteRow {
  site: string;
  created_at: string;
  active_keys: number;
}

export type KeyRole = 'ingest' | 'read' | 'admin' | 'share' | 'counter';

export interface KeyRow {
  id: string;
  site: string;
  role: KeyRole;
  state: 'active' | 'expired' | 'revoked';
  /// For people; of a counter its pages.
  name: string;
  /// A second; 0: no limit of its own.
  rate: number;
  created_at: string;
  expires_at?: string;
  revoked_at?: string;
  used_on?: string;
}

export interface NewKey {
  site: string;
  role: KeyRole;
  name?: string;
  rate?: number;
  days?: number;
}

/// `key` is the text with the secret, which nobody can read again; of a link the end of its
/// address, of a counter its beginning.
export interface MadeKey {
  key: string;
  row: KeyRow;
}

export type UserRole = 'viewer' | 'admin';

export interface UserRow {
  name: string;
  role: UserRole;
  site: string;
  created_at: string;
  sessions: number;
}

export interface NewUser {
  name: string;
  password: string;
  role: UserRole;
  site: string;
}

const post = <T>(path: string, body: object) =>
  call<T>(path, {}, { method: 'POST', body: JSON.stringify(body) });
const remove = (path: string) => call<void>(path, {}, { method: 'DELETE' });
const user_path = (name: string) => `/v1/users/${encodeURIComponent(name)}`;

export const list_sites = (signal: AbortSignal) =>
  call<{ sites: SiteRow[] }>('/v1/sites', {}, { signal });
export const list_keys = (signal: AbortSignal) =>
  call<{ keys: KeyRow[] }>('/v1/keys', {}, { signal });
export const list_users = (signal: AbortSignal) =>
  call<{ users: UserRow[] }>('/v1/users', {}, { signal });

export const add_site = (site: string) => post<void>('/v1/sites', { site });
export const make_key = (key: NewKey) => post<MadeKey>('/v1/keys', key);
/// `stored`: false while the database is away; it holds all the same.
export const revoke_key = (id: string) =>
  call<{ stored: boolean }>(`/v1/keys/${encodeURIComponent(id)}`, {}, { method: 'DELETE' });
export const add_user = (user: NewUser) => post<void>('/v1/users', user);
export const set_password = (name: string, password: string) =>
  post<void>(`${user_path(name)}/password`, { password });
export const remove_user = (name: string) => remove(user_path(name));
