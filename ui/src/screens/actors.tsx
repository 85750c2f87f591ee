/// The actors of all nodes, as a list or as the tree of who started whom.

import { useEffect, useRef } from 'preact/hooks';
import { type ActorList, type ActorNode, type ActorRow, address, call } from '../lib/api';
import { count_of, number, rate, visible } from '../lib/format';
import { add_shortcuts } from '../lib/keys';
import { live } from '../lib/live';
import { type Resource, use_resource } from '../lib/resource';
import { href, location, set_query } from '../lib/state';
import { Details, Foreign } from '../widgets/bits';
import { ExportMenu } from '../widgets/export';
import { use_stream } from '../widgets/stream';
import { type Column, Table } from '../widgets/table';
import { Empty, Widget } from '../widgets/widget';

const sorts = ['mailbox', 'processed', 'rate', 'restarts', 'name'] as const;
type SortKey = (typeof sorts)[number];
const rows_max = 200;
const refresh_ms = 2000;

function param(name: string): string {
  return location.value.query.get(name) ?? '';
}

/// Where an actor is shown. A dot in a node's name would make the address look like a
/// file's, so it stands there as "~", which no name has.
export function actor_path(row: Pick<ActorRow, 'node' | 'id'>): string {
  const node = row.node ? `${row.node.replaceAll('.', '~')}/` : '';
  return href(`/actors/${node}${row.id}`);
}

export function has_problem(row: ActorRow): boolean {
  return row.restarts > 0 || row.last_error !== '' || row.state !== 'running';
}

/// Asks again and again while somebody looks.
export function use_refresh<T>(resource: Resource<T>, ms: number, on = true): void {
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => {
      if (!document.hidden && !live.paused.value) void resource.load();
    }, ms);
    return () => clearInterval(timer);
  }, [ms, on]);
}

export function ActorsScreen() {
  const tree = param('view') === 'tree';
  const first = param('first') === 'problems';
  const sort = (sorts as readonly string[]).includes(param('sort'))
    ? (param('sort') as SortKey) : 'mailbox';
  const params = {
    view: tree ? 'tree' : null, name: param('name'), key: param('key'), node: param('node'),
    sort: first ? 'restarts' : sort, limit: rows_max,
  };
  const key = JSON.stringify(params);
  const list = use_resource<ActorList>(key, (signal) =>
    call('/v1/system/actors', params, { signal }));
  use_refresh(list, refresh_ms);
  use_stream({ topics: ['system'], on: () => undefined });
  return (
    <>
      <h1 class="sr">Actors</h1>
      <Filters tree={tree} problems={first} list={list.data.value}
        api={address('/v1/system/actors', params)} />
      <Widget title={list.data.value ? title_of(list.data.value) : 'Actors'} res={list}
        height={480} class="wide" empty={(data) => (data.total === 0
          ? <Empty why="No actor matches.">
            <p><button type="button" class="link" onClick={() =>
              set_query({ name: '', key: '', node: '' })}>Clear the search</button></p>
          </Empty> : null)}>
        {(data) => <>
          {data.nodes?.filter((node) => node.error).map((node) => (
            <p class="bad" key={node.name}><span aria-hidden="true">▲ </span>
              Node {visible(node.name)} could not be asked: {visible(node.error ?? '')}</p>
          ))}
          {tree
            ? <Tree nodes={data.tree ?? []} depth={0} />
            : <Flat rows={data.actors ?? []} sort={sort} problems={first} />}
        </>}
      </Widget>
    </>
  );
}

function title_of(list: ActorList): string {
  const shown = list.actors?.length ?? count_nodes(list.tree ?? []);
  const all = count_of(list.total, 'actor');
  return list.more ? `${number(shown)} of ${all}` : all;
}

function count_nodes(nodes: ActorNode[]): number {
  return nodes.reduce((sum, node) => sum + 1 + count_nodes(node.children), 0);
}

interface FiltersProps {
  tree: boolean;
  problems: boolean;
  list: ActorList | null;
  api: string;
}

function Filters({ tree, problems, list, api }: FiltersProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => add_shortcuts([{
    keys: '/', does: 'Search the actors', run: () => field.current?.focus(),
  }]), []);
  return (
    <div class="controls">
      <div class="switch" role="group" aria-label="View">
        <button type="button" aria-pressed={!tree} onClick={() => set_query({ view: '' })}>
          List</button>
        <button type="button" aria-pressed={tree} onClick={() => set_query({ view: 'tree' })}>
          Tree</button>
      </div>
      <input type="search" ref={field} value={param('key')} placeholder="Key contains …"
        aria-label="Part of the key, such as a page"
        onInput={(event) => set_query({ key: event.currentTarget.value })} />
      <input type="search" value={param('name')} placeholder="Name, such as partition"
        aria-label="Name of the actor" list="actor-names"
        onInput={(event) => set_query({ name: event.currentTarget.value })} />
      <datalist id="actor-names">
        {['supervisor', 'gateway', 'ingestion', 'log_reader', 'partition', 'page_aggregator',
          'query', 'cache_manager', 'inspector', 'auditor', 'redriver']
          .map((name) => <option key={name} value={name} />)}
      </datalist>
      {(list?.nodes?.length ?? 0) > 0 && (
        <select aria-label="Node" value={param('node')}
          onChange={(event) => set_query({ node: event.currentTarget.value })}>
          <option value="">All nodes</option>
          {list!.nodes!.map((node) => <option key={node.name} value={node.name}>{node.name}
          </option>)}
        </select>
      )}
      {!tree && (
        <label class="check">
          <input type="checkbox" checked={problems} onChange={(event) =>
            set_query({ first: event.currentTarget.checked ? 'problems' : '' })} />
          Problems first
        </label>
      )}
      <span class="controls-end"><ExportMenu api={api} /></span>
    </div>
  );
}

function ActorLink({ row }: { row: ActorRow }) {
  return (
    <span class="actor">
      <a href={actor_path(row)}>{row.name}<span class="quiet"> {row.id}</span></a>
      {row.key && <span class="actor-key" title={visible(row.key)}>
        <Foreign text={row.key} /></span>}
    </span>
  );
}

function State({ row }: { row: ActorRow }) {
  const bad = row.state !== 'running';
  return (
    <span class={bad ? 'bad word' : 'word'}>
      <span aria-hidden="true">{bad ? '▲ ' : '✓ '}</span>{row.state}
    </span>
  );
}

function columns_of(rows: ActorRow[]): Column<ActorRow>[] {
  const most = Math.max(1, ...rows.map((row) => row.mailbox));
  return [
    { key: 'name', label: 'actor', value: (row) => row.name,
      show: (row) => <ActorLink row={row} /> },
    ...(rows.some((row) => row.node) ? [{ key: 'node', label: 'node', fixed: true,
      value: (row: ActorRow) => row.node ?? '' }] : []),
    { key: 'state', label: 'state', fixed: true, value: (row) => row.state,
      show: (row) => <State row={row} /> },
    { key: 'mailbox', label: 'mailbox', numeric: true, value: (row) => row.mailbox,
      show: (row) => <span class="meter-cell">
        <span class="meter" aria-hidden="true"
          style={{ width: `${(row.mailbox / most) * 48}px` }} />{number(row.mailbox)}</span> },
    { key: 'rate', label: 'a second', numeric: true, value: (row) => row.rate,
      show: (row) => rate(row.rate) },
    { key: 'processed', label: 'messages', numeric: true, value: (row) => row.processed,
      show: (row) => number(row.processed) },
    { key: 'restarts', label: 'restarts', numeric: true, value: (row) => row.restarts,
      show: (row) => row.restarts > 0
        ? <span class="bad"><span aria-hidden="true">▲ </span>{number(row.restarts)}</span> : '0' },
    ...(rows.some((row) => row.last_error) ? [{ key: 'last_error', label: 'last error',
      fixed: true, value: (row: ActorRow) => row.last_error,
      show: (row: ActorRow) => <Foreign text={row.last_error} /> }] : []),
  ];
}

interface FlatProps {
  rows: ActorRow[];
  sort: SortKey;
  problems: boolean;
}

function Flat({ rows, sort, problems }: FlatProps) {
  const shown = problems
    ? [...rows].sort((a, b) => Number(has_problem(b)) - Number(has_problem(a))) : rows;
  return (
    <>
      {problems && !rows.some(has_problem) && (
        <p><span aria-hidden="true">✓ </span>None of them has restarted, failed or stopped.</p>
      )}
      <Table caption="Actors" rows={shown} columns={columns_of(rows)}
        row_key={(row) => `${row.node ?? ''}/${row.id}`}
        sort={{ key: problems ? 'restarts' : sort, down: sort !== 'name' || problems }}
        on_sort={({ key }) => set_query({ sort: key, first: '' })} />
    </>
  );
}

const children_first = 50;

function Tree({ nodes, depth }: { nodes: ActorNode[]; depth: number }) {
  const all = param('all') === '1';
  const shown = all ? nodes : nodes.slice(0, children_first);
  return (
    <ul class="tree">
      {shown.map((node) => (
        <li key={`${node.node ?? ''}/${node.id}`}>
          <span class="tree-row">
            <ActorLink row={node} />
            <span class="quiet">{node.node ?? ''}</span>
            {has_problem(node) && <span class="bad"><span aria-hidden="true">▲ </span>
              {node.last_error ? visible(node.last_error)
                : node.restarts > 0 ? count_of(node.restarts, 'restart') : node.state}</span>}
            <span class="tree-numbers quiet">
              {number(node.mailbox)} waiting · {rate(node.rate)} a second
            </span>
          </span>
          {node.children.length > 0 && (depth < 1
            ? <Tree nodes={node.children} depth={depth + 1} />
            : <Details label={count_of(node.children.length, 'actor')}>
              <Tree nodes={node.children} depth={depth + 1} /></Details>)}
        </li>
      ))}
      {nodes.length > shown.length && <li><button type="button" class="link"
        onClick={() => set_query({ all: '1' })}>
        {number(nodes.length - shown.length)} more</button></li>}
    </ul>
  );
}
