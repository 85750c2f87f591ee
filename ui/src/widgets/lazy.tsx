/// Parts that are fetched when they are wanted, so that the first screen is quick.

import { type Signal, signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useMemo } from 'preact/hooks';

export interface Later<T> {
  /// Null until it is there.
  part: Signal<T | null>;
  failed: Signal<boolean>;
  /// Fetches it unless it is there or on its way.
  load(): void;
}

export function later<T>(fetch_part: () => Promise<T>): Later<T> {
  const part = signal<T | null>(null);
  const failed = signal(false);
  let running = false;
  const load = () => {
    if (running || part.peek() !== null) return;
    running = true;
    failed.value = false;
    fetch_part().then(
      (fetched) => { part.value = fetched; },
      () => { failed.value = true; },
    ).finally(() => { running = false; });
  };
  return { part, failed, load };
}

interface LazyProps<P> {
  of: Later<ComponentType<P>>;
  props: P;
}

export function Lazy<P extends object>({ of, props }: LazyProps<P>) {
  // Before the first drawing: what failed before anybody looked is not shown as a failure.
  useMemo(of.load, [of]);
  const Screen = of.part.value;
  if (Screen) return <Screen {...props} />;
  if (!of.failed.value) return <div class="card-body" aria-busy="true" />;
  return <NotFetched what="screen" load={of.load} />;
}

export function NotFetched({ what, load }: { what: 'screen' | 'chart'; load(): void }) {
  const Head = what === 'screen' ? 'h1' : 'b';
  return (
    <div class="trouble">
      <Head><span aria-hidden="true">▲ </span>This {what} could not be fetched.</Head>
      <p>The server does not answer, or it was updated since this page was opened.</p>
      <p>
        <button type="button" class="link" onClick={load}>Try again</button>{' '}
        <button type="button" class="link" onClick={() => window.location.reload()}>
          Load the page again</button>
      </p>
    </div>
  );
}
