/// Something that is asked for: its last answer, when it came, and what went wrong since.

import { type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { type Problem, problem_from } from './api';

export class Resource<T> {
  readonly data: Signal<T | null> = signal(null);
  readonly problem: Signal<Problem | null> = signal(null);
  readonly loading = signal(false);
  /// When the data came, by the browser's clock.
  readonly at = signal(0);
  /// When a retry makes sense, by the browser's clock; 0: at once.
  readonly retry_at = signal(0);

  /// Whether there is somebody to ask; else it stays empty.
  on = true;

  private running: AbortController | null = null;
  private again = false;
  private last_start = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private ask: (signal: AbortSignal) => Promise<T>) {}

  /// Asks anew with another question; what is shown stays until the answer comes.
  change(ask: (signal: AbortSignal) => Promise<T>): void {
    this.ask = ask;
    this.running?.abort();
    this.running = null;
    void this.load();
  }

  async load(): Promise<void> {
    if (!this.on) return;
    if (this.running) {
      this.again = true;
      return;
    }
    const running = new AbortController();
    this.running = running;
    this.loading.value = true;
    this.last_start = Date.now();
    try {
      const data = await this.ask(running.signal);
      if (running === this.running) this.set(data);
    } catch (error) {
      if (running === this.running) this.fail(problem_from(error));
    }
    if (running !== this.running) return;
    this.running = null;
    this.loading.value = false;
    if (this.again) {
      this.again = false;
      this.load_soon(0);
    }
  }

  /// Asks again, but not more often than each `gap_ms`.
  load_soon(gap_ms: number): void {
    if (this.timer !== null) return;
    const wait = Math.max(0, this.last_start + gap_ms - Date.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.load();
    }, wait);
  }

  /// Takes an answer that came another way, such as the live stream.
  set(data: T): void {
    this.data.value = data;
    this.at.value = Date.now();
    this.problem.value = null;
  }

  fail(problem: Problem): void {
    this.problem.value = problem;
    this.retry_at.value = Date.now() + (problem.retry_after ?? 0) * 1000;
  }

  end(): void {
    this.running?.abort();
    this.running = null;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

/// A resource of a component, asked for anew whenever `key` changes; none while it is ''.
export function use_resource<T>(
  key: string, ask: (signal: AbortSignal) => Promise<T>,
): Resource<T> {
  const resource = useMemo(() => new Resource<T>(ask), []);
  resource.on = key !== '';
  useEffect(() => {
    if (key) resource.change(ask);
  }, [key]);
  useEffect(() => () => resource.end(), []);
  return resource;
}
