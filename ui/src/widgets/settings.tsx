/// The parts that the sections of the settings are made of: a list with a form above it,
/// rows with what can be done to them, and questions before what cannot be undone.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { all_sites, type SiteRow } from '../lib/access';
import { day, visible } from '../lib/format';
import type { Resource } from '../lib/resource';
import { view } from '../lib/state';
import { type Action, use_action, Wrong } from './action';
import { Copy, Foreign } from './bits';
import { Widget } from './widget';

/// Says that something was done, and has the lists asked for anew.
export type Tell = (words: string) => void;

interface SectionProps<T> {
  title: string;
  res: Resource<T>;
  /// The button that opens the form.
  add: string;
  form(close: () => void, tell: Tell): ComponentChildren;
  children(data: T, tell: Tell): ComponentChildren;
  /// Asks for what changed.
  changed(): void;
}

export function Section<T>({ title, res, add, form, children, changed }: SectionProps<T>) {
  const open = useSignal(false);
  const words = useSignal('');
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    open.value = false;
    button.current?.focus();
  };
  const tell = (said: string) => {
    words.value = said;
    changed();
    close();
  };
  const tools = (
    <button type="button" class="plain add" ref={button} aria-expanded={open.value}
      onClick={() => {
        open.value = !open.value;
        words.value = '';
      }}>{add}</button>
  );
  return (
    <Widget title={title} res={res} height={160} class="settings" tools={tools}>
      {(data) => <>
        {open.value && <div onKeyDown={(event) => { if (event.key === 'Escape') close(); }}>
          {form(close, tell)}</div>}
        <p role="status">{words.value && <><span class="tick" aria-hidden="true">✓ </span>
          {words.value}</>}</p>
        {children(data, tell)}
      </>}
    </Widget>
  );
}

interface FormProps {
  label: string;
  submit: string;
  action: Action;
  run(fields: FormData): Promise<void>;
  close(): void;
  children: ComponentChildren;
}

/// The first field has the focus.
export function Form({ label, submit, action, run, close, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('input:not([hidden]), select')?.focus();
  }, []);
  return (
    <form class="settings-form" aria-label={label} ref={form} onSubmit={(event) => {
      event.preventDefault();
      const fields = new FormData(event.currentTarget);
      void action.run(() => run(fields));
    }}>
      <div class="ask">{children}</div>
      <Wrong action={action} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={action.busy.value}>{submit}</button>
        <button type="button" class="plain" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

export function text_of(fields: FormData, name: string): string {
  return String(fields.get(name) ?? '');
}

interface SiteFieldProps {
  sites: SiteRow[];
  hint: string;
  /// Whether it may be all of them.
  all?: boolean;
}

export function SiteField({ sites, hint, all = true }: SiteFieldProps) {
  return (
    <label class="field"><span>Site <span class="quiet">{hint}</span></span>
      <select name="site">
        {sites.map(({ site }) => <option key={site} value={site}>{visible(site)}</option>)}
        {all && <option value={all_sites}>all sites</option>}
      </select>
    </label>
  );
}

export function SiteName({ site }: { site: string }) {
  return site === all_sites ? <>all sites</> : <Foreign text={site} />;
}

/// A day in the zone of the page; one without a time is that day everywhere.
export function Day({ at }: { at: string }) {
  const zone = at.includes('T') ? view.value.tz : 'UTC';
  return <time dateTime={at}>{day(new Date(at), zone)}</time>;
}

interface RowProps {
  cells: ComponentChildren[];
  actions?: ComponentChildren;
  /// What opened below it.
  children?: ComponentChildren;
}

export function Row({ cells, actions, children }: RowProps) {
  return (
    <li>
      {cells.map((cell, i) => <div key={i} class="cell">{cell}</div>)}
      <div class="row-actions">{actions}</div>
      {children && <div class="row-below">{children}</div>}
    </li>
  );
}

interface ConfirmProps {
  question: string;
  /// What the button that does it says.
  does: string;
  keep: string;
  run(): Promise<void>;
  close(): void;
}

/// Asks before something that cannot be undone. The focus is on the button that does nothing.
export function Confirm({ question, does, keep, run, close }: ConfirmProps) {
  const action = use_action();
  const safe = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => safe.current?.focus(), []);
  return (
    <div class="confirm" role="group" aria-label={question}
      onKeyDown={(event) => { if (event.key === 'Escape') close(); }}>
      <p>{question}</p>
      <Wrong action={action} />
      <div class="buttons">
        <button type="button" class="primary danger" disabled={action.busy.value}
          onClick={() => void action.run(run)}>{does}</button>
        <button type="button" class="plain" ref={safe} onClick={close}>{keep}</button>
      </div>
    </div>
  );
}

interface ShownOnceProps {
  name: string;
  text: string;
  close(): void;
  children: ComponentChildren;
}

/// What nobody can be shown again, such as a new key.
export function ShownOnce({ name, text, close, children }: ShownOnceProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <div class="made" role="group" aria-label={`The new ${name}`}>
      <label class="field">
        <span><b>Copy this {name} now.</b> It is shown this once. {children}</span>
        <input class="secret" ref={field} readOnly value={text} spellcheck={false}
          autocomplete="off" onFocus={(event) => event.currentTarget.select()} />
      </label>
      <div class="buttons">
        <Copy text={text} label={`Copy the ${name}`} />
        <button type="button" class="link" onClick={close}>I have it, hide it</button>
      </div>
    </div>
  );
}
