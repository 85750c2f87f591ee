/// Whether the screen is live, in one mark and one or two words; and the only place
/// that speaks to screen readers by itself.

import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { clock_time, span } from '../lib/format';
import { live, poll_ms, type LiveState } from '../lib/live';
import { now, view } from '../lib/state';

interface Told {
  mark: '●' | '□' | '‖' | '○';
  text: string;
  good: boolean;
}

export function told_state(state: LiveState, age_s: number, since: string): Told {
  switch (state) {
    case 'live':
      return { mark: '●', text: age_s < 2 ? 'live' : `live, ${span(age_s)}`, good: true };
    case 'polling':
      return { mark: '○', text: `updates every ${poll_ms / 1000} s`, good: true };
    case 'paused': return { mark: '‖', text: 'paused', good: false };
    case 'hidden':
    case 'off':
    case 'connecting': return { mark: '○', text: 'connecting', good: true };
    case 'lost': return { mark: '□', text: since ? `stale since ${since}` : 'no connection',
      good: false };
  }
}

export function LiveDot() {
  const state = live.state.value;
  if (state === 'off') return null;
  const heard = live.heard_at.value;
  const since = heard ? clock_time(new Date(heard), view.value.tz) : '';
  const told = told_state(state, heard ? (now.value - heard) / 1000 : 0, since);
  return (
    <span class="live">
      <button type="button" class={`live-dot ${told.good ? '' : 'off'}`}
        title={live.node.value ? `Stream of node ${live.node.value}` : 'The live stream'}
        aria-pressed={live.paused.value}
        aria-label={`${told.text}. ${live.paused.value ? 'Go on with' : 'Pause'} live updates`}
        onClick={() => live.set_paused(!live.paused.value)}>
        <span class="live-mark" aria-hidden="true">{told.mark}</span>
        <span aria-hidden="true">{told.text}</span>
      </button>
      <Speaker state={state} since={since} />
    </span>
  );
}

const spoken: Partial<Record<LiveState, string>> = {
  live: 'Live', paused: 'Live updates are paused',
  polling: `Live updates do not get through; numbers are asked for every ${poll_ms / 1000} seconds`,
};

const text = signal('');

/// Has screen readers say something now, because a person asked.
export function say(words: string): void {
  text.value = words;
}

/// Speaks when the state changes, and what "read now" asks for.
function Speaker({ state, since }: { state: LiveState; since: string }) {
  useEffect(() => {
    if (state === 'lost') text.value = `No connection to the server. Numbers are as of ${since}`;
    else if (spoken[state]) text.value = spoken[state];
  }, [state]);
  return <span class="sr" role="status">{text.value}</span>;
}
