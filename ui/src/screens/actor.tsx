/// One actor: its place in the tree, its counters, and its state as a typed table.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { type ActorDetail, type ActorRow, address, call } from '../lib/api';
import { age, date_time, number, rate, visible } from '../lib/format';
import { use_resource } from '../lib/resource';
import { href, now, view } from '../lib/state';
import { Command, Foreign, Health, Json, Num } from '../widgets/bits';
import { use_stream } from '../widgets/stream';
import { Table } from '../widgets/table';
import { Widget } from '../widgets/widget';
import { curl_get } from '../lib/curl';
import { actor_path, use_refresh } from './actors';

const watch_ms = 1000;

export function ActorScreen({ node, id }: { node: string | null; id: string }) {
  const watched = useSignal(true);
  const name = node?.replaceAll('~', '.') ?? null;
  const path = `/v1/system/actors/${name ? `${name}/` : ''}${id}`;
  const actor = use_resource<ActorDetail>(path, (signal) => call(path, {}, { signal }));
  use_refresh(actor, watch_ms, watched.value);
  use_stream({ topics: ['system'], on: () => undefined });
  return (
    <>
      <Title actor={actor.data.value} node={name} id={id} />
      <div class="controls">
        <label class="check">
          <input type="checkbox" checked={watched.value}
            onChange={(event) => { watched.value = event.currentTarget.checked; }} />
          Watch, once a second
        </label>
      </div>
      <Widget title="Counters" res={actor} height={120}>
        {(data) => <Counters actor={data} />}
      </Widget>
      <Widget title="State" res={actor} height={240} class="wide"
        empty={(data) => (Object.keys(data.fields).length === 0
          ? <p class="quiet">This actor has nothing to tell but its counters.</p> : null)}>
        {(data) => <Fields actor={data} />}
      </Widget>
      <details>
        <summary>As JSON</summary>
        <Command text={curl_get(window.location.origin, address(path))} />
        {actor.data.value && <Json value={actor.data.value} label="The actor as JSON" />}
      </details>
    </>
  );
}

interface TitleProps {
  actor: ActorDetail | null;
  node: string | null;
  id: string;
}

function Title({ actor, node, id }: TitleProps) {
  return (
    <div class="title">
      <a href={href('/actors')}>Actors</a>{' '}
      <span class="quiet" aria-hidden="true">/ </span>
      {node && <>
        <a href={href('/actors', { node })}>{visible(node)}</a>{' '}
        <span class="quiet" aria-hidden="true">/ </span></>}
      {actor && actor.parent !== null && <>
        <a href={actor_path(parent_of(actor, node))}>started by {actor.parent}</a>{' '}
        <span class="quiet" aria-hidden="true">/ </span></>}
      <h1>{actor ? <>{actor.name} <span class="quiet">{actor.id}</span></> : `Actor ${id}`}</h1>
    </div>
  );
}

function parent_of(actor: ActorDetail, node: string | null): Pick<ActorRow, 'node' | 'id'> {
  return { id: actor.parent ?? 0, ...(node ? { node } : {}) };
}

/// The page in a page aggregator's key, which has the site before it unless it is the default.
export function page_of_key(key: string): { site: string; page: string } {
  const at = key.indexOf(' ');
  const site = at > 0 ? key.slice(0, at) : '';
  if (site && /^[A-Za-z0-9._-]{1,64}$/.test(site)) return { site, page: key.slice(at + 1) };
  return { site: '', page: key };
}

function Counters({ actor }: { actor: ActorDetail }) {
  const of = actor.name === 'page_aggregator' ? page_of_key(actor.key) : null;
  const link = of && href('/page', { u: of.page, ...(of.site ? { site: of.site } : {}) });
  return (
    <dl class="facts">
      {actor.key && <div><dt>key</dt><dd>
        {link ? <a href={link}><Foreign text={actor.key} /></a> : <Foreign text={actor.key} />}
      </dd></div>}
      <div><dt>state</dt><dd><Health text={actor.state === 'running' ? 'ok' : actor.state} />
      </dd></div>
      <div><dt>mailbox</dt><dd><Num value={actor.mailbox} /> waiting</dd></div>
      <div><dt>messages</dt><dd><Num value={actor.processed} />, {rate(actor.rate)} a second
      </dd></div>
      <div><dt>restarts</dt><dd>{number(actor.restarts)}</dd></div>
      {actor.last_error && <div><dt>last error</dt>
        <dd class="bad"><span aria-hidden="true">▲ </span><Foreign text={actor.last_error} />
        </dd></div>}
    </dl>
  );
}

interface Field {
  name: string;
  type: string;
  value: unknown;
}

/// Fields of fields get a row each, by their path.
export function flat_fields(fields: Record<string, unknown>, path = ''): Field[] {
  return Object.entries(fields).flatMap(([key, value]): Field[] => {
    const name = path ? `${path}.${key}` : key;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return flat_fields(value as Record<string, unknown>, name);
    }
    return [{ name, type: type_of(key, value), value }];
  });
}

function type_of(name: string, value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return 'time';
  if (name.endsWith('_us') && typeof value === 'number' && value > 1e15) return 'time';
  if (typeof value === 'string' && /^\d+:\d+(,\d+:\d+)*$/.test(value)) return 'position';
  if (typeof value === 'boolean') return 'yes or no';
  return typeof value === 'number' ? 'number' : 'text';
}

function shown(field: Field): ComponentChildren {
  const { value, type } = field;
  if (type === 'time') {
    const at = typeof value === 'number' ? value / 1000 : Date.parse(String(value));
    return <>{date_time(new Date(at), view.value.tz)}
      <span class="quiet"> · {age(at, now.value)}</span></>;
  }
  if (type === 'position') {
    const partition = String(value).split(':')[0] ?? '0';
    return <a href={href('/system', { partition })}>{String(value)}</a>;
  }
  if (type === 'number') return <Num value={value as number} />;
  if (type === 'yes or no') return value ? 'yes' : 'no';
  if (value === null || value === '') return <span class="quiet">none</span>;
  return <Foreign text={typeof value === 'string' ? value : JSON.stringify(value)} />;
}

function Fields({ actor }: { actor: ActorDetail }) {
  return (
    <Table caption="State of the actor" rows={flat_fields(actor.fields)}
      row_key={(row) => row.name} columns={[
        { key: 'name', label: 'field', value: (row) => row.name },
        { key: 'value', label: 'value', value: (row) => String(row.value), show: shown },
        { key: 'type', label: 'kind', value: (row) => row.type,
          show: (row) => <span class="quiet">{row.type}</span> },
      ]} />
  );
}
