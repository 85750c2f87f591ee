/// Stands in place of every screen until the node knows who is there. The address stays, so
/// that the same screen appears afterwards.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { type Problem, problem_from } from '../lib/api';
import { span } from '../lib/format';
import { parting, sign_in } from '../lib/session';
import { now } from '../lib/state';

const partings = {
  '': '',
  ended: 'Your session has ended. Sign in, and you are back where you were.',
  signed_out: 'You are signed out.',
} as const;

export function SignIn() {
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const retry_at = useSignal(0);
  // The clock of the page stands still within a second, so it is behind.
  const wait_s = Math.min(Math.ceil((retry_at.value - now.value) / 1000),
    problem.value?.retry_after ?? 0);
  useEffect(() => name.current?.focus(), []);
  const submit = async () => {
    if (busy.value || wait_s > 0 || !name.current || !password.current) return;
    busy.value = true;
    try {
      await sign_in(name.current.value, password.current.value);
      document.getElementById('main')?.focus();
    } catch (error) {
      problem.value = problem_from(error);
      const wait = problem.value.retry_after;
      retry_at.value = wait ? Date.now() + wait * 1000 : 0;
      password.current?.focus();
      password.current?.select();
    }
    busy.value = false;
  };
  return (
    <form class="sign-in" aria-labelledby="sign-in-title"
      onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <h1 id="sign-in-title">Sign in</h1>
      {parting.value && <p class="quiet" role="status">{partings[parting.value]}</p>}
      <label class="field">Name
        <input ref={name} name="username" autocomplete="username" autocapitalize="none"
          spellcheck={false} required maxLength={256} />
      </label>
      <label class="field">Password
        <input ref={password} name="password" type="password" required maxLength={1024}
          autocomplete="current-password" aria-invalid={problem.value?.status === 401}
          aria-describedby={problem.value ? 'sign-in-problem' : undefined} />
      </label>
      {problem.value && <p class="bad" role="alert" id="sign-in-problem">
        <span aria-hidden="true">▲ </span>{problem.value.detail}</p>}
      <button type="submit" class="primary" disabled={busy.value || wait_s > 0}>
        {wait_s > 0 ? `Try again in ${span(wait_s)}` : 'Sign in'}</button>
      <p class="quiet">An admin adds people in Settings, or in a shell
        with <code>footfall user add</code>.</p>
    </form>
  );
}
