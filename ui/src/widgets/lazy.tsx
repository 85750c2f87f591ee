/// Screens that are fetched when somebody goes there, so that the first one is quick.

import { type Signal, signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';

export interface Later<P> {
  screen: Signal<ComponentType<P> | null>;
  failed: Signal<boolean>;
  load(): void;
}

export function later<P>(fetch_screen: () => Promise<ComponentType<P>>): Later<P> {
  const screen = signal<ComponentType<P> | null>(null);
  const failed = signal(false);
  const load = () => {
    failed.value = false;
    fetch_screen().then(
      (component) => { screen.value = component; },
      () => { failed.value = true; },
    );
  };
  return { screen, failed, load };
}

export function Lazy<P extends object>({ of, props }: { of: Later<P>; props: P }) {
  useEffect(() => {
    if (!of.screen.value) of.load();
  }, [of]);
  const Screen = of.screen.value;
  if (Screen) return <Screen {...props} />;
  if (!of.failed.value) return <div class="card-body" aria-busy="true" />;
  return (
    <div class="trouble">
      <p><b><span aria-hidden="true">▲ </span>This screen could not be fetched.</b> The server
        does not answer, or it was updated since this page was opened.</p>
      <p>
        <button type="button" class="link" onClick={of.load}>Try again</button>{' '}
        <button type="button" class="link" onClick={() => window.location.reload()}>
          Load the page again</button>
      </p>
    </div>
  );
}
