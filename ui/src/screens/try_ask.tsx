/// The query form: an endpoint, its parameters, and the answer as table, JSON or curl.

import { useSignal } from '@preact/signals';
import { address, call, type Params, type Problem, problem_from } from '../lib/api';
import type { Cell } from '../lib/csv';
import { curl_get } from '../lib/curl';
import { milliseconds } from '../lib/format';
import { compare_names, range_labels, range_names } from '../lib/ranges';
import { is_global_admin } from '../lib/session';
import { site_params, view } from '../lib/state';
import { Command, Foreign, Json } from '../widgets/bits';
import { AsOf } from '../widgets/proof';
import { type Column, Table } from '../widgets/table';

interface Endpoint {
  path: string;
  says: string;
  params: string[];
  required: string[];
  /// Where the rows of a table stand in the answer.
  rows: string | null;
}

const endpoints: Endpoint[] = [
  { path: '/v1/stats/page', says: 'a page: clicks, users, types, last hour',
    params: ['page_url'], required: ['page_url'], rows: 'by_type' },
  { path: '/v1/stats/count', says: 'clicks of a user on a page', params: ['user_id', 'page_url'],
    required: ['user_id', 'page_url'], rows: null },
  { path: '/v1/stats/top-pages', says: 'the pages with the most clicks',
    params: ['range', 'tz', 'limit'], required: [], rows: 'pages' },
  { path: '/v1/stats/series', says: 'clicks over time',
    params: ['page_url', 'range', 'step', 'tz', 'compare'], required: [], rows: 'points' },
  { path: '/v1/stats/active', says: 'who clicked in the last five minutes',
    params: ['page_url', 'limit'], required: [], rows: 'pages' },
  { path: '/v1/stats/users', says: 'the users of a page', params: ['page_url', 'limit'],
    required: ['page_url'], rows: 'users' },
  { path: '/v1/stats/summary', says: 'clicks in a range', params: ['range', 'tz', 'compare'],
    required: [], rows: null },
  { path: '/v1/system', says: 'this node', params: [], required: [], rows: 'partitions' },
];

function may_ask(endpoint: Endpoint): boolean {
  return endpoint.path !== '/v1/system' || is_global_admin.value;
}

const choices: Record<string, readonly string[]> = {
  range: range_names, compare: compare_names, step: ['minute', 'hour', 'day', 'week', 'month'],
};

interface Asked {
  endpoint: Endpoint;
  url: string;
  after: string;
  ms: number;
  answer: Record<string, unknown> | null;
  problem: Problem | null;
}

export function AskForm() {
  const chosen = useSignal(endpoints[0]!);
  const values = useSignal<Record<string, string>>({ page_url: '/pricing', user_id: 'ada',
    range: '', limit: '', tz: '', step: '', compare: '', after: '' });
  const asked = useSignal<Asked | null>(null);
  const endpoint = chosen.value;
  const params: Params = endpoint.path === '/v1/system' ? {} : { ...site_params() };
  for (const name of endpoint.params) params[name] = values.value[name] ?? '';
  const after = endpoint.path === '/v1/system' ? '' : values.value.after ?? '';
  const ask = async () => {
    const start = performance.now();
    const done = { endpoint, url: address(endpoint.path, params), after };
    try {
      const answer = await call<Record<string, unknown>>(endpoint.path, params, { after });
      asked.value = { ...done, answer, problem: null, ms: performance.now() - start };
    } catch (error) {
      const problem = problem_from(error);
      asked.value = { ...done, answer: null, problem, ms: performance.now() - start };
    }
  };
  return (
    <section class="widget wide" aria-label="Ask a question">
      <header class="widget-head"><h2>Ask a question</h2></header>
      <form class="ask" onSubmit={(event) => { event.preventDefault(); void ask(); }}>
        <label class="field grow"><span>Endpoint</span>
          <select value={endpoint.path} onChange={(event) => {
            chosen.value = endpoints.find((one) => one.path === event.currentTarget.value)
              ?? endpoints[0]!;
          }}>
            {endpoints.filter(may_ask).map((one) => <option key={one.path} value={one.path}>
              {one.path}: {one.says}</option>)}
          </select>
        </label>
        {[...endpoint.params, ...(endpoint.path === '/v1/system' ? [] : ['after'])]
          .map((name) => <Parameter key={name} name={name} values={values}
            required={endpoint.required.includes(name)} />)}
        <button type="submit" class="primary">Ask</button>
      </form>
      <Command text={curl_get(window.location.origin, address(endpoint.path, params), after)} />
      {asked.value && <Answer asked={asked.value} />}
    </section>
  );
}

interface ParameterProps {
  name: string;
  values: { value: Record<string, string> };
  required: boolean;
}

function Parameter({ name, values, required }: ParameterProps) {
  const set = (value: string) => {
    values.value = { ...values.value, [name]: value };
  };
  const value = values.value[name] ?? '';
  const label = name === 'after' ? 'Footfall-After' : name;
  const hints: Record<string, string> = { tz: view.value.tz, limit: '1 to 1,000',
    after: 'position to wait for' };
  return (
    <label class="field"><span>{label}</span>
      {choices[name]
        ? <select value={value} onChange={(event) => set(event.currentTarget.value)}>
          <option value="">as by default</option>
          {choices[name].map((one) => <option key={one} value={one}>
            {name === 'range' ? `${one} (${range_labels[one as 'live']})` : one}</option>)}
        </select>
        : <input value={value} required={required} placeholder={hints[name] ?? ''}
          spellcheck={false} autocomplete="off"
          onInput={(event) => set(event.currentTarget.value)} />}
    </label>
  );
}

const source_means: Record<string, string> = {
  cache: 'From the cache: asked a moment ago, and nothing came since that it lacks',
  actor: 'From memory: the actor that counts the page answered',
  store: 'Read from the store',
};

function Answer({ asked }: { asked: Asked }) {
  const tab = useSignal<'table' | 'json'>('table');
  const { answer, problem } = asked;
  if (problem) {
    return <div class="trouble" role="status"><p><b>▲ {problem.title}.</b> {problem.detail}</p>
      <Json value={problem} label="The problem as JSON" /></div>;
  }
  if (!answer) return null;
  const proof = typeof answer.source === 'string' && typeof answer.as_of === 'string';
  return (
    <div role="status">
      <p class="proof">
        <span>{milliseconds(asked.ms)}</span>
        {proof && <>
          <span>{source_means[String(answer.source)]}</span>
          <span><AsOf answer={answer as never} /></span>
          <span>position <code>{String(answer.position)}</code></span>
        </>}
      </p>
      <div class="switch" role="group" aria-label="Show the answer as">
        <button type="button" aria-pressed={tab.value === 'table'}
          onClick={() => { tab.value = 'table'; }}>Table</button>
        <button type="button" aria-pressed={tab.value === 'json'}
          onClick={() => { tab.value = 'json'; }}>JSON</button>
      </div>
      {tab.value === 'json' ? <Json value={answer} label="The answer as JSON" />
        : <AnswerTable answer={answer} endpoint={asked.endpoint} />}
    </div>
  );
}

type Row = Record<string, Cell>;

/// Rows of an answer: its list, or its own plain fields where it has none.
export function rows_of(answer: Record<string, unknown>, name: string | null): Row[] {
  const list = name === null ? null : answer[name];
  if (Array.isArray(list)) return list.map((row) => plain(row as Record<string, unknown>));
  if (typeof list === 'object' && list !== null) {
    return Object.entries(list).map(([key, value]) => ({ [name ?? '']: key,
      clicks: value as number }));
  }
  return Object.entries(flat(answer)).map(([field, value]) => ({ field, value }));
}

function plain(row: Record<string, unknown>): Row {
  return Object.fromEntries(Object.entries(row).map(([key, value]) =>
    [key, typeof value === 'number' || value === null ? value : String(value)])) as Row;
}

function flat(value: Record<string, unknown>, path = ''): Row {
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => {
    const name = path ? `${path}.${key}` : key;
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      return Object.entries(flat(inner as Record<string, unknown>, name));
    }
    return [[name, typeof inner === 'number' || inner === null ? inner : String(inner)]];
  })) as Row;
}

interface TableProps {
  answer: Record<string, unknown>;
  endpoint: Endpoint;
}

function AnswerTable({ answer, endpoint }: TableProps) {
  const rows = rows_of(answer, endpoint.rows);
  if (rows.length === 0) return <p class="quiet">The answer has no rows.</p>;
  const columns: Column<Row>[] = Object.keys(rows[0]!).map((key) => ({
    key, label: key, value: (row) => row[key] ?? null,
    numeric: typeof rows[0]![key] === 'number',
    show: (row) => (typeof row[key] === 'string' ? <Foreign text={row[key]} /> : row[key] ?? '–'),
  }));
  return <Table caption="The answer" rows={rows} columns={columns}
    row_key={(row) => Object.values(row).join(' ')} />;
}
