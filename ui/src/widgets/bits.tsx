/// Small pieces: numbers that show when they moved, changes, copying, safe text.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type Change, change, number, visible, web_address } from '../lib/format';

/// A number that is tinted for a moment when it changed.
export function Num({ value, show = number }: { value: number; show?: (n: number) => string }) {
  const ref = useRef<HTMLSpanElement>(null);
  const last = useRef(value);
  useEffect(() => {
    if (last.current === value) return;
    last.current = value;
    const node = ref.current;
    if (!node || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const tint = getComputedStyle(node).getPropertyValue('--tint-strong');
    node.animate([{ backgroundColor: tint }, { backgroundColor: 'transparent' }], 900);
  }, [value]);
  return <span class="num" ref={ref}>{show(value)}</span>;
}

const arrows = { up: '▲', down: '▼', same: '=' } as const;

export function ChangeMark({ now, before, than }: { now: number; before: number; than: string }) {
  const told: Change | null = change(now, before);
  if (!told) return <span class="quiet">none in {than} either</span>;
  const sign = told.direction === 'down' ? 'down' : told.direction === 'up' ? 'up' : '';
  return (
    <span class={`change ${told.direction}`}>
      <span aria-hidden="true">{arrows[told.direction]} </span>
      <span class="sr">{sign} </span>{told.text}
      <span class="quiet"> · {number(before)} in {than}</span>
    </span>
  );
}

// The shortest that a narrow list may cut.
const long = 20;

/// Text of strangers: never markup, and what cannot be seen stands as an escape. Of a long one
/// the whole is in the title, since lists cut it.
export function Foreign({ text }: { text: string }) {
  const shown = visible(text);
  return <span class="foreign" dir="auto" title={shown.length > long ? shown : undefined}>
    {shown}</span>;
}

/// The name of a page in a list: of an address of the web the host is quiet, and https://
/// is left out, since it says nothing. The whole name is in the title.
export function PageName({ url }: { url: string }) {
  const parts = /^(?:https:\/\/)?([^/?#]*(?:\/\/[^/?#]*)?)(.*)$/i.exec(url);
  if (!parts?.[2] || !web_address(url)) return <Foreign text={url} />;
  return (
    <span class="foreign" title={visible(url)}>
      <span class="quiet">{parts[1]}</span>{parts[2]}</span>
  );
}

/// A link to where a page is, if its name is an address of the web.
export function OpenPage({ url }: { url: string }) {
  const target = web_address(url);
  if (!target) return null;
  return (
    <a class="out" href={target} target="_blank" rel="noopener noreferrer"
      aria-label={`Open ${visible(url)} in a new tab`} title="Open in a new tab">↗</a>
  );
}

export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  const done = useSignal('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      done.value = 'Copied';
    } catch {
      done.value = 'Select the text and copy it';
    }
    setTimeout(() => {
      done.value = '';
    }, 2000);
  };
  return (
    <button type="button" class="link" onClick={() => void copy()}>
      <span role="status">{done.value || label}</span>
    </button>
  );
}

/// A line for a shell, with a button that copies it.
export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <pre tabIndex={0} role="group" aria-label="Command"><code>{visible(text)}</code></pre>
      <Copy text={text} />
    </div>
  );
}

export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    <pre class="json" tabIndex={0} role="group" aria-label={label}>
      {visible_lines(JSON.stringify(value, null, 2))}
    </pre>
  );
}

function visible_lines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

export function Details({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <details>
      <summary>{label}</summary>
      {children}
    </details>
  );
}

/// ok, or what is wrong, with a mark that does not rest on colour.
export function Health({ text }: { text: string }) {
  const ok = text === 'ok';
  return (
    <span class={ok ? undefined : 'bad'}>
      <span aria-hidden="true">{ok ? '✓ ' : '▲ '}</span>{ok ? 'ok' : visible(text)}
    </span>
  );
}
