/// Who is signed in, as the node tells it, and what this person may see.

import { computed, signal } from '@preact/signals';
import { type ApiError, call, type Problem, problem_from, when_refused } from './api';
import { share_base } from './share';

export interface Session {
  /// Whether the node asks for keys at all.
  asks: boolean;
  signed_in?: boolean;
  name?: string;
  role?: 'viewer' | 'admin' | 'share';
  site?: string;
  is_global_admin?: boolean;
  expires_at?: string;
}

/// Null until the node has told it.
export const session = signal<Session | null>(null);

/// Why the sign-in screen is there.
export const parting = signal<'' | 'ended' | 'signed_out'>('');

/// Whether the address of a shared view is none, or not any more.
export const share_over = signal(false);

/// Whether users may be named: not to who has a link.
export const sees_users = computed(() => !share_base && session.value?.role !== 'share');

/// Whether screens can be shown: the node asks nobody, or the person is known.
export const may_enter = computed(() =>
  session.value !== null && (!session.value.asks || session.value.signed_in === true));

/// Whether actors, the system's state and the settings are for this person.
export const is_global_admin = computed(() =>
  !share_base && session.value !== null
  && (!session.value.asks || session.value.is_global_admin === true));

/// How long another node may not know of a new session.
export const settling_ms = 5000;
const again_ms = 400;

export interface Clock {
  now(): number;
  wait(ms: number): Promise<void>;
}

const browser_clock: Clock = {
  now: () => Date.now(),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
};

let clock = browser_clock;
const began_at = clock.now();
let signed_in_at = -Infinity;
let asking: Promise<void> | null = null;

/// For tests.
export function use_clock(other: Clock | null): void {
  clock = other ?? browser_clock;
  signed_in_at = -Infinity;
  asking = null;
}

function is_settling(): boolean {
  return clock.now() - signed_in_at < settling_ms;
}

/// Asks who is signed in; one question at a time. What was known stays when nobody answers.
export function ask_session(): Promise<void> {
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

async function ask(): Promise<void> {
  for (;;) {
    try {
      const told = await call<Session>('/v1/session');
      if (told.asks && !told.signed_in && is_settling()) {
        await clock.wait(again_ms);
        continue;
      }
      take(told);
    } catch (error) {
      // A node that has no such address asks nobody. Of one that is away the screens tell.
      const { status, type } = problem_from(error);
      if (share_base && type.endsWith(':no_share')) {
        // Another node may not know a new link yet.
        if (session.value === null && clock.now() - began_at < settling_ms) {
          await clock.wait(again_ms);
          continue;
        }
        share_over.value = true;
        session.value = { asks: true, signed_in: false };
        return;
      }
      const unknown = status === 404;
      if (unknown || session.value === null) session.value = { asks: false };
    }
    return;
  }
}

function take(told: Session): void {
  share_over.value = false;
  const ended = may_enter.value && told.asks && !told.signed_in;
  if (ended && session.value?.signed_in) parting.value = 'ended';
  // The same news is no news: nothing is drawn again for it.
  if (JSON.stringify(told) !== JSON.stringify(session.value)) session.value = told;
}

/// What to do with an answer 401: true to ask again.
async function refused(): Promise<boolean> {
  if (is_settling()) {
    await clock.wait(again_ms);
    return true;
  }
  await ask_session();
  return false;
}

when_refused(refused);

/// Throws ApiError when the node refuses.
export async function sign_in(name: string, password: string): Promise<void> {
  const body = JSON.stringify({ name, password });
  const told = await call<Session>('/v1/session', {}, { method: 'POST', body });
  signed_in_at = clock.now();
  parting.value = '';
  session.value = told;
}

/// Returns why it failed; null when the person is signed out.
export async function sign_out(): Promise<Problem | null> {
  try {
    await call<void>('/v1/session', {}, { method: 'DELETE' });
  } catch (error) {
    const { problem } = error as ApiError;
    if (problem?.status !== 401) return problem_from(error);
  }
  signed_in_at = -Infinity;
  parting.value = 'signed_out';
  session.value = { asks: true, signed_in: false };
  return null;
}
