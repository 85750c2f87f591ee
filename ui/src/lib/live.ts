/// The live stream: one at a time, for the screen that is open. It knows when it is
/// stale, comes back by itself, and polls when streams do not get through.

import { signal } from '@preact/signals';
import { ask_session } from './session';
import { share_base } from './share';

export type LiveState =
  | 'off' // No screen wants one.
  | 'connecting' // Not a word yet.
  | 'live'
  | 'lost' // It was live, or should be; trying again.
  | 'polling' // Streams fail, questions are answered.
  | 'paused' // By the person.
  | 'hidden'; // Nobody looks.

/// What is used of the browser's EventSource.
export interface Source {
  readonly readyState: number;
  onerror: ((event: Event) => void) | null;
  addEventListener(name: string, handler: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface LivePorts {
  open(url: string): Source;
  now(): number;
  after(ms: number, then: () => void): unknown;
  cancel(timer: unknown): void;
  random(): number;
  hidden(): boolean;
  /// A stream was refused, as the browser gives it up; with which status is not told.
  refused?(): void;
}

export interface LiveHandlers {
  /// A whole state of the topic that `name` stands for.
  on(name: string, data: unknown): void;
  /// Asks once, instead of being told; throws when that fails, too.
  poll(): Promise<void>;
}

export const stale_ms = 12_000;
export const poll_ms = 10_000;
const wait_min_ms = 500;
const wait_max_ms = 15_000;
const tries_before_polling = 3;
const closed = 2;
const names = [
  'hello', 'page', 'top', 'summary', 'active', 'system', 'beat', 'bye', 'trouble',
];

/// How long to wait before the next try; `random` in [0, 1) spreads many clients.
export function backoff_ms(failures: number, random: number): number {
  const full = Math.min(wait_max_ms, wait_min_ms * 2 ** Math.max(0, failures - 1));
  return full / 2 + (full / 2) * random;
}

export class LiveStream {
  readonly state = signal<LiveState>('off');
  /// When the last word came, by the browser's clock; 0 before the first.
  readonly heard_at = signal(0);
  readonly node = signal('');
  readonly paused = signal(false);

  private url = '';
  private handlers: LiveHandlers | null = null;
  private source: Source | null = null;
  private failures = 0;
  private timers = new Map<string, unknown>();

  constructor(private readonly ports: LivePorts) {}

  /// Takes the stream over for a screen; returns what gives it up again.
  open(url: string, handlers: LiveHandlers): () => void {
    this.url = url;
    this.handlers = handlers;
    this.failures = 0;
    this.restart();
    return () => {
      if (this.handlers !== handlers) return;
      this.handlers = null;
      this.stop('off');
    };
  }

  set_paused(paused: boolean): void {
    this.paused.value = paused;
    this.restart();
  }

  /// Call when the tab is hidden or shown.
  visibility_changed(): void {
    this.restart();
  }

  /// Tries at once, as a person asked for it.
  retry_now(): void {
    this.failures = 0;
    this.restart();
  }

  private restart(): void {
    if (!this.handlers) return this.stop('off');
    if (this.paused.value) return this.stop('paused');
    if (this.ports.hidden()) return this.stop('hidden');
    this.stop(this.heard_at.value === 0 ? 'connecting' : this.state.value);
    if (['paused', 'hidden', 'off'].includes(this.state.value)) this.state.value = 'connecting';
    this.connect();
  }

  private stop(state: LiveState): void {
    this.source?.close();
    this.source = null;
    for (const timer of this.timers.values()) this.ports.cancel(timer);
    this.timers.clear();
    this.state.value = state;
  }

  private set_timer(name: string, ms: number, then: () => void): void {
    this.clear_timer(name);
    this.timers.set(name, this.ports.after(ms, () => {
      this.timers.delete(name);
      then();
    }));
  }

  private clear_timer(name: string): void {
    const timer = this.timers.get(name);
    if (timer !== undefined) this.ports.cancel(timer);
    this.timers.delete(name);
  }

  private connect(): void {
    const source = this.ports.open(this.url);
    this.source = source;
    for (const name of names) {
      source.addEventListener(name, (event) => {
        if (source === this.source) this.heard(name, event.data);
      });
    }
    source.onerror = () => {
      if (source !== this.source) return;
      const ended = source.readyState === closed;
      if (ended) this.ports.refused?.();
      if (source === this.source) this.failed(ended);
    };
    this.watch_silence();
  }

  private watch_silence(): void {
    this.set_timer('silence', stale_ms, () => this.failed(true));
  }

  private heard(name: string, text: string): void {
    this.failures = 0;
    this.clear_timer('poll');
    this.heard_at.value = this.ports.now();
    this.state.value = 'live';
    this.watch_silence();
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch {
      return;
    }
    if (name === 'hello') this.node.value = (data as { node?: string }).node ?? '';
    if (name === 'bye') this.leave((data as { retry_ms?: number }).retry_ms ?? 1000);
    else if (name !== 'beat') this.handlers?.on(name, data);
  }

  /// The server restarts and said when to come back.
  private leave(retry_ms: number): void {
    this.source?.close();
    this.source = null;
    this.clear_timer('silence');
    this.state.value = 'lost';
    this.set_timer('connect', retry_ms, () => this.connect());
  }

  /// `ended`: the browser will not try again by itself.
  private failed(ended: boolean): void {
    this.failures += 1;
    if (this.state.value !== 'polling') this.state.value = 'lost';
    if (ended || this.failures > 1) {
      this.source?.close();
      this.source = null;
      this.clear_timer('silence');
      const wait = backoff_ms(this.failures, this.ports.random());
      this.set_timer('connect', wait, () => this.connect());
    }
    if (this.failures >= tries_before_polling && !this.timers.has('poll')) this.poll();
  }

  private poll(): void {
    const handlers = this.handlers;
    // Holds the place while the question is open, so that it is asked once.
    this.set_timer('poll', poll_ms, () => this.poll());
    handlers?.poll().then(
      () => this.polled(handlers, true),
      () => this.polled(handlers, false),
    );
  }

  private polled(handlers: LiveHandlers, answered: boolean): void {
    if (handlers !== this.handlers || !this.timers.has('poll')) return;
    if (answered) this.heard_at.value = this.ports.now();
    this.state.value = answered ? 'polling' : 'lost';
    // Who answers a question may well stream again; no need to wait out the rest.
    if (answered && this.timers.has('connect')) {
      this.clear_timer('connect');
      this.connect();
    }
  }
}

/// The page's stream.
export const live = new LiveStream({
  open: (url) => new EventSource(url),
  now: () => Date.now(),
  after: (ms, then) => setTimeout(then, ms),
  cancel: (timer) => clearTimeout(timer as number),
  random: Math.random,
  hidden: () => document.hidden,
  refused: () => void ask_session(),
});

/// Topics and what they are cut by, as one address.
export function live_address(
  topics: string[], params: Record<string, string | null | undefined>,
): string {
  const query = new URLSearchParams();
  for (const topic of topics) query.append('topic', topic);
  for (const [name, value] of Object.entries(params)) if (value) query.append(name, value);
  return `${share_base}/v1/live?${query.toString()}`;
}
