/// The send form: what was sent, what the server said, and the way of the event until it
/// is on screen.

import { useSignal } from '@preact/signals';
import {
  address, ApiError, call, type ClickEvent, type CountAnswer, type EventResult,
  type EventResults, type Problem, problem_from, type System,
} from '../lib/api';
import { curl_post } from '../lib/curl';
import { clock_time, count_of, milliseconds, number } from '../lib/format';
import type { Resource } from '../lib/resource';
import { href, site_params, view } from '../lib/state';
import { Command, Foreign, Health } from '../widgets/bits';
import { type Column, Table } from '../widgets/table';

interface Sent {
  n: number;
  at: number;
  event: ClickEvent;
  result: EventResult | null;
  problem: Problem | null;
  /// Milliseconds since the button was pressed; null while it is not known.
  accepted: number | null;
  applied: number | null;
  on_screen: number | null;
  before: number | null;
  after: number | null;
}

const sent_max = 50;

function new_id(): string {
  return crypto.randomUUID?.()
    ?? `try-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
}

/// Of this user on this page: nearly nobody else moves that number meanwhile.
async function clicks_of(event: ClickEvent, after?: string): Promise<number> {
  const params = { ...site_params(), page_url: event.page_url, user_id: event.user_id };
  return (await call<CountAnswer>('/v1/stats/count', params, { after })).count;
}

function painted(): Promise<void> {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

/// Sends, and tells `show` of each step as it happens.
async function send(body: string, event: ClickEvent, n: number, show: (sent: Sent) => void) {
  let sent: Sent = { n, at: Date.now(), event, result: null, problem: null, accepted: null,
    applied: null, on_screen: null, before: null, after: null };
  const step = (more: Partial<Sent>) => show(sent = { ...sent, ...more });
  try {
    sent.before = await clicks_of(event).catch(() => null);
    const start = performance.now();
    const told = await call<EventResults>('/v1/events', site_params(), { method: 'POST', body });
    const result = told.results[0] ?? null;
    step({ accepted: performance.now() - start, result });
    if (!result?.position) return;
    const after = await clicks_of(event, result.position);
    step({ applied: performance.now() - start, after });
    await painted();
    step({ on_screen: performance.now() - start });
  } catch (error) {
    const problem = problem_from(error);
    const results = error instanceof ApiError ? error.problem.results : undefined;
    step({ problem, result: results?.[0] ?? sent.result });
  }
}

export function SendForm({ system }: { system: Resource<System> }) {
  const form = useSignal({ user_id: 'ada', event_type: 'click', page_url: '/pricing',
    time_stamp: '', event_id: new_id() });
  const raw = useSignal<string | null>(null);
  const sent = useSignal<Sent[]>([]);
  const busy = useSignal(false);
  const event = event_of(form.value);
  const body = raw.value ?? JSON.stringify(event, null, 2);
  const submit = async () => {
    busy.value = true;
    const n = (sent.value[0]?.n ?? 0) + 1;
    await send(body, read_event(body) ?? event, n, (one) => {
      const rest = sent.value.filter((other) => other.n !== one.n);
      sent.value = [one, ...rest].slice(0, sent_max);
    });
    busy.value = false;
  };
  return (
    <section class="widget wide" aria-label="Send an event">
      <header class="widget-head">
        <h2>Send an event</h2>
        <div class="switch" role="group" aria-label="How to write it">
          <button type="button" aria-pressed={raw.value === null}
            onClick={() => { raw.value = null; }}>Fields</button>
          <button type="button" aria-pressed={raw.value !== null}
            onClick={() => { raw.value = body; }}>JSON</button>
        </div>
      </header>
      <div class="halves">
        <form onSubmit={(e) => { e.preventDefault(); void submit(); }}>
          {raw.value === null
            ? <Fields form={form} />
            : <label class="field">Body of the request
              <textarea rows={9} value={raw.value} spellcheck={false}
                onInput={(e) => { raw.value = e.currentTarget.value; }} />
            </label>}
          <div class="buttons">
            <button type="submit" class="primary" disabled={busy.value}>
              {is_repeat(sent.value, body) ? 'Send the same again' : 'Send'}</button>
            <button type="button" class="plain" onClick={() => {
              form.value = { ...form.value, event_id: new_id() };
              if (raw.value !== null) {
                const read = read_event(raw.value) ?? event;
                raw.value = JSON.stringify({ ...read, event_id: form.value.event_id }, null, 2);
              }
            }}>New id</button>
          </div>
        </form>
        <div>
          <Answer sent={sent.value[0] ?? null} />
        </div>
      </div>
      <Command text={curl_post(window.location.origin, address('/v1/events', site_params()),
        one_line(body))} />
      <Service system={system} />
      {sent.value.length > 0 && <Feed sent={sent.value} />}
    </section>
  );
}

function event_of(form: Record<keyof Required<ClickEvent>, string>): ClickEvent {
  const event: ClickEvent = { user_id: form.user_id, event_type: form.event_type,
    page_url: form.page_url };
  if (form.event_id) event.event_id = form.event_id;
  if (form.time_stamp) event.time_stamp = form.time_stamp;
  return event;
}

function read_event(body: string): ClickEvent | null {
  try {
    const read = JSON.parse(body) as ClickEvent;
    return typeof read.page_url === 'string' ? read : null;
  } catch {
    return null;
  }
}

function one_line(body: string): string {
  const read = read_event(body);
  return read ? JSON.stringify(read) : body;
}

function is_repeat(sent: Sent[], body: string): boolean {
  const id = read_event(body)?.event_id;
  return id !== undefined && sent.some((one) => one.event.event_id === id && one.result);
}

interface FieldsProps {
  form: { value: Record<keyof ClickEvent, string> };
}

const fields = [
  { name: 'page_url', label: 'page_url', hint: '1 to 2,048 bytes, taken as it is', max: 2048,
    required: true },
  { name: 'user_id', label: 'user_id', hint: '1 to 256 bytes', max: 256, required: true },
  { name: 'event_type', label: 'event_type', hint: '1 to 64 bytes', max: 64, required: true },
  { name: 'time_stamp', label: 'time_stamp', hint: 'RFC 3339, 2000 to 2099; empty: on arrival',
    max: 64, required: false },
  { name: 'event_id', label: 'event_id', hint: 'up to 64 bytes; the same id counts once', max: 64,
    required: false },
] as const;

function Fields({ form }: FieldsProps) {
  return (
    <>
      {fields.map((field) => (
        <label class="field" key={field.name}>
          <span>{field.label} <span class="quiet">{field.hint}</span></span>
          <input value={form.value[field.name]} maxLength={field.max} required={field.required}
            spellcheck={false} autocomplete="off" onInput={(event) => {
              form.value = { ...form.value, [field.name]: event.currentTarget.value };
            }} />
        </label>
      ))}
    </>
  );
}

function Answer({ sent }: { sent: Sent | null }) {
  if (!sent) {
    return <p class="quiet">Send it, and its way appears here: accepted when it is durable in
      the log, applied when it counts, on screen when you see it. Send the same again: it is
      accepted again, and counts once.</p>;
  }
  const { result, problem } = sent;
  return (
    <div aria-live="polite">
      {problem && <p class="bad"><span aria-hidden="true">▲ </span>{problem.detail}</p>}
      {result && (result.status === 'accepted'
        ? <p><b>✓ accepted</b> at position <code>{result.position}</code></p>
        : <p class="bad"><b>▲ {result.status}</b>: {result.reason}</p>)}
      {result?.warning && <p class="bad">▲ {result.warning}</p>}
      {!problem && <Timeline sent={sent} />}
      {sent.after !== null && <p>
        <Foreign text={sent.event.user_id} /> has {count_of(sent.after, 'click')} on{' '}
        <a href={href('/page', { u: sent.event.page_url })}><Foreign text={sent.event.page_url} />
        </a>
        {sent.before !== null && (sent.after === sent.before
          ? <>, as before: <b>this id was counted already</b></>
          : <>, {number(sent.before)} before</>)}.
      </p>}
    </div>
  );
}

function Timeline({ sent }: { sent: Sent }) {
  const steps = [
    { name: 'accepted', what: 'durable in the log', ms: sent.accepted },
    { name: 'applied', what: 'counted', ms: sent.applied },
    { name: 'on screen', what: 'drawn here', ms: sent.on_screen },
  ];
  const end = Math.max(1, sent.on_screen ?? sent.applied ?? sent.accepted ?? 1);
  return (
    <ol class="timeline" aria-label="The way of this event">
      {steps.map((step) => (
        <li key={step.name} class={step.ms === null ? 'open' : undefined}>
          <span>{step.name}<span class="quiet">, {step.what}</span></span>
          <span class="hist-track" aria-hidden="true"><span class="hist-fill"
            hidden={step.ms === null}
            style={{ width: `${((step.ms ?? 0) / end) * 100}%` }} /></span>
          <span class="num-cell">{step.ms === null ? '…' : milliseconds(step.ms)}</span>
        </li>
      ))}
    </ol>
  );
}

function Service({ system }: { system: Resource<System> }) {
  const data = system.data.value;
  if (!data) return null;
  return <p class="proof">
    <span>This node: <Health text={data.ready ? 'ok' : 'not ready'} /></span>
    {Object.entries(data.roles).filter(([, text]) => text !== 'ok').map(([name, text]) => (
      <span key={name}>{name}: <Health text={text} /></span>
    ))}
    <span>{number(data.events.accepted)} accepted, {number(data.events.duplicates)} there already,
      {' '}{number(data.events.rejected)} rejected since it started</span>
  </p>;
}

function outcome(sent: Sent): string {
  return sent.result?.status ?? (sent.problem ? 'no answer' : 'sending');
}

const columns: Column<Sent>[] = [
  { key: 'at', label: 'sent', value: (row) => new Date(row.at).toISOString(),
    show: (row) => clock_time(new Date(row.at), view.value.tz) },
  { key: 'page', label: 'page', value: (row) => row.event.page_url,
    show: (row) => <Foreign text={row.event.page_url} /> },
  { key: 'user', label: 'user', value: (row) => row.event.user_id,
    show: (row) => <Foreign text={row.event.user_id} /> },
  { key: 'type', label: 'type', value: (row) => row.event.event_type,
    show: (row) => <Foreign text={row.event.event_type} /> },
  { key: 'outcome', label: 'answer', value: outcome },
  { key: 'position', label: 'position', value: (row) => row.result?.position ?? '' },
  { key: 'counted', label: 'counted', value: (row) => counted(row) },
  { key: 'applied', label: 'applied after', numeric: true, value: (row) => row.applied,
    show: (row) => (row.applied === null ? '' : milliseconds(row.applied)) },
];

function counted(sent: Sent): string {
  if (sent.after === null || sent.before === null) return '';
  return sent.after > sent.before ? 'yes' : 'was already';
}

function Feed({ sent }: { sent: Sent[] }) {
  return <Table caption="Sent from this page" show_caption rows={sent} columns={columns}
    row_key={(row) => String(row.n)} />;
}
