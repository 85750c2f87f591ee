/// The frame of every widget: loading, empty, error and stale look the same everywhere.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Problem } from '../lib/api';
import { age, clock_time, span } from '../lib/format';
import { live } from '../lib/live';
import type { Resource } from '../lib/resource';
import { now, view } from '../lib/state';

const skeleton_after_ms = 200;

interface WidgetProps<T> {
  title: string;
  res: Resource<T>;
  /// Final height in pixels, so that nothing jumps when the answer comes.
  height: number;
  children: (data: T) => ComponentChildren;
  /// Returns what to say when there is nothing to show; null otherwise.
  empty?: (data: T) => ComponentChildren | null;
  tools?: ComponentChildren;
  class?: string;
}

export function Widget<T>(props: WidgetProps<T>) {
  const { title, res, height, tools } = props;
  const data = res.data.value;
  const stale = data !== null && is_stale(res);
  return (
    <section class={`widget ${props.class ?? ''}`} aria-label={title}
      aria-busy={res.loading.value && data === null}>
      <header class="widget-head">
        <h2>{title}</h2>
        {tools}
      </header>
      {data === null
        ? <Waiting res={res} height={height} />
        : (
          <>
            {stale && <Stale res={res} />}
            <div class={stale ? 'dim' : undefined}>
              {props.empty?.(data) ?? props.children(data)}
            </div>
          </>
        )}
    </section>
  );
}

/// Whether what is waited for takes so long that it has to show.
export function use_late(): boolean {
  const late = useSignal(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      late.value = true;
    }, skeleton_after_ms);
    return () => clearTimeout(timer);
  }, []);
  return late.value;
}

function Waiting<T>({ res, height }: { res: Resource<T>; height: number }) {
  const late = use_late();
  if (res.problem.value) return <Trouble res={res} problem={res.problem.value} />;
  return (
    <div class={late ? 'skeleton' : undefined} style={{ minHeight: `${height}px` }}>
      {late && <span class="sr">Loading</span>}
    </div>
  );
}

const away_after_ms = 3000;

/// Whether the stream is away for longer than a restart that nobody needs to see.
export function is_away(): boolean {
  return live.state.value === 'lost' && now.value - live.heard_at.value > away_after_ms;
}

/// Whether what is shown may be behind: the stream is away, or the last question failed.
export function is_stale<T>(res: Resource<T>): boolean {
  return res.problem.value !== null || is_away();
}

/// When what is shown was true, by the server's clock where it said so.
export function as_of_ms<T>(res: Resource<T>): number {
  const told = (res.data.value as { as_of?: string } | null)?.as_of;
  const at = told ? Date.parse(told) : NaN;
  return at > 0 ? at : res.at.value;
}

function Stale<T>({ res }: { res: Resource<T> }) {
  const at = as_of_ms(res);
  // That nobody answers is said once, above all widgets.
  const away = live.state.value === 'lost' && res.problem.value?.status === 0;
  const problem = away ? null : res.problem.value;
  return (
    <p class="stale">
      <span aria-hidden="true">□ </span>
      as of {clock_time(new Date(at), view.value.tz)}, {age(at, now.value)}
      {problem && <>. {problem.detail} <Retry res={res} problem={problem} /></>}
    </p>
  );
}

export function Trouble<T>({ res, problem }: { res: Resource<T>; problem: Problem }) {
  return (
    <div class="trouble">
      <p><b><span aria-hidden="true">▲ </span>{problem.title}.</b> {problem.detail}</p>
      <p class="quiet">
        <code>{problem.type.replace('urn:footfall:problem:', '')}</code>
        {problem.status > 0 && <> · {problem.status}</>} <Retry res={res} problem={problem} />
      </p>
    </div>
  );
}

function Retry<T>({ res, problem }: { res: Resource<T>; problem: Problem }) {
  if (!problem.retry) return null;
  const wait = Math.ceil((res.retry_at.value - now.value) / 1000);
  return (
    <button type="button" class="link" disabled={wait > 0} onClick={() => void res.load()}>
      {wait > 0 ? `Try again in ${span(wait)}` : 'Try again'}
    </button>
  );
}

/// What stands where there is nothing: why, and what to do.
export function Empty({ why, children }: { why: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p><b>{why}</b></p>
      {children}
    </div>
  );
}
