/// Can the numbers be trusted: the ledger, freshness, partitions and parts.

import {
  address, call, type AdminPartition, type Cluster, type ClusterNode, type History, type System,
} from '../lib/api';
import { count_of, date_time, milliseconds, number, percent, span, visible } from '../lib/format';
import { type Resource, use_resource } from '../lib/resource';
import { location, now, view } from '../lib/state';
import { Bars } from '../widgets/bars';
import { Health } from '../widgets/bits';
import { ExportMenu } from '../widgets/export';
import { HistoryWidget } from '../widgets/history';
import { fault_of, ledger_fault } from '../widgets/proof';
import { Histogram, slo_ms } from '../widgets/spark';
import { problem_of_topic, remember_sample, use_stream, use_system } from '../widgets/stream';
import { Table } from '../widgets/table';
import { ZoneMenu } from '../widgets/controls';
import { Widget } from '../widgets/widget';

export function SystemScreen() {
  const system = use_system();
  const partitions = use_resource<{ partitions: AdminPartition[] }>('partitions', (signal) =>
    call('/v1/system/partitions', {}, { signal }));
  const cluster = use_resource<Cluster>('cluster', (signal) =>
    call('/v1/system/cluster', {}, { signal }));
  const history = use_resource<History>('history', (signal) =>
    call('/v1/system/history', {}, { signal }));
  const refresh = () => Promise.all([system, partitions, cluster, history].map((one) => one.load()))
    .then(() => {
      if (system.problem.value) throw new Error(system.problem.value.detail);
    });
  use_stream({
    topics: ['system'],
    on: (name, data) => {
      if (name !== 'system') return;
      remember_sample(data as System);
      system.set(data as System);
      partitions.load_soon(5000);
      cluster.load_soon(5000);
      history.load_soon(5000);
    },
    trouble: (trouble) => system.fail(problem_of_topic(trouble)),
    poll: refresh,
  });
  return (
    <>
      <h1 class="sr">System</h1>
      <div class="controls">
        <ZoneMenu />
        <span class="controls-end">
          <button type="button" class="plain" onClick={() =>
            void refresh().catch(() => undefined)}>Refresh</button>
          <ExportMenu api={address('/v1/system')} />
        </span>
      </div>
      <LedgerWidget system={system} />
      <HistoryWidget history={history} />
      <div class="halves">
        <FreshnessWidget system={system} />
        <PartsWidget system={system} />
      </div>
      <PartitionsWidget system={system} partitions={partitions} />
      <div class="halves">
        <AnswersWidget system={system} />
        <EventsWidget system={system} />
      </div>
      <ClusterWidget cluster={cluster} />
    </>
  );
}

function LedgerWidget({ system }: { system: Resource<System> }) {
  return (
    <Widget title="Ledger" res={system} height={90} class="wide">
      {(data) => {
        const { written, applied, waiting } = data.ledger;
        if (written === null || applied === null || waiting === null) {
          return <p class="mismatch"><b><span aria-hidden="true">□ </span>Not known now.</b>{' '}
            {ledger_fault(data)}.{known_part(data)}</p>;
        }
        const adds_up = written === applied + waiting;
        return (
          <>
            <p class={`ledger ${adds_up ? '' : 'mismatch'}`}>
              <span class="ledger-tick" aria-hidden="true">{adds_up ? '✓' : '▲'}</span>{' '}
              {number(written)} written = {number(applied)} applied + {number(waiting)} waiting
            </p>
            <p class="quiet">
              {adds_up
                ? 'Every record of the event log is accounted for, over restarts, whoever wrote it.'
                : `This does not add up: ${number(Math.abs(written - applied - waiting))} records `
                  + 'differ. Run "footfall audit" and look at the partitions below.'}
              {known_part(data)}
            </p>
          </>
        );
      }}
    </Widget>
  );
}

/// In a cluster: how much of the log this node can speak for.
function known_part({ ledger: { partitions, partitions_in_all: all } }: System): string {
  if (partitions === undefined || all === undefined || partitions >= all) return '';
  return ` It is told of ${number(partitions)} of ${count_of(all, 'partition')}: those that `
    + 'this node knows of.';
}

function FreshnessWidget({ system }: { system: Resource<System> }) {
  return (
    <Widget title="Accepted to visible" res={system} height={260}
      empty={(data) => (data.freshness.p99_ms === null
        ? <p class="quiet">No event has been counted since the node started
          ({span(data.uptime_s)} ago), so nothing is measured yet.</p> : null)}>
      {(data) => {
        const { p50_ms: p50, p99_ms: p99 } = data.freshness;
        const kept = (p99 ?? 0) <= slo_ms;
        return (
          <>
            <p class="lead">
              <b>p50 {milliseconds(p50 ?? 0)}</b>, <b>p99 {milliseconds(p99 ?? 0)}</b>.{' '}
              <span class={kept ? undefined : 'bad'}>
                <span aria-hidden="true">{kept ? '✓ ' : '▲ '}</span>
                the goal, p99 under 1 s, is {kept ? 'kept' : 'missed'}
              </span>
            </p>
            <Histogram freshness={data.freshness} />
            <p class="quiet">Since the node started. Bars behind 1 s are hatched.</p>
          </>
        );
      }}
    </Widget>
  );
}

function PartsWidget({ system }: { system: Resource<System> }) {
  return (
    <Widget title="Parts" res={system} height={260}>
      {(data) => (
        <>
          <dl class="facts">
            <div><dt>ready</dt>
              <dd><Health text={data.ready ? 'ok' : 'not ready'} /></dd></div>
            {Object.entries(data.dependencies).map(([name, text]) => (
              <div key={`d${name}`}><dt>{name}</dt><dd><Health text={text} /></dd></div>
            ))}
            {Object.entries(data.roles).map(([name, text]) => (
              <div key={`r${name}`}><dt>role {name}</dt><dd><Health text={text} /></dd></div>
            ))}
            <div><dt>version</dt><dd>{data.version}</dd></div>
            {data.node && <div><dt>node</dt><dd>{visible(data.node)}</dd></div>}
            <div><dt>up since</dt>
              <dd>{date_time(new Date(data.started_at), view.value.tz)}
                <span class="quiet"> · {span((now.value - Date.parse(data.started_at)) / 1000)}
                </span></dd></div>
          </dl>
        </>
      )}
    </Widget>
  );
}

/// Why a partition that tells no reason of its own may stand still.
function store_or_log_fault(system: System): string {
  return fault_of(system, 'store') || fault_of(system, 'log') || 'no reason was told';
}

interface PartitionsProps {
  system: Resource<System>;
  partitions: Resource<{ partitions: AdminPartition[] }>;
}

function PartitionsWidget({ system, partitions }: PartitionsProps) {
  const owned = system.data.value?.partitions.some((one) => one.owner) ?? false;
  const reasons = new Map(partitions.data.value?.partitions.map((one) => [one.partition, one]));
  const marked = Number(location.value.query.get('partition') ?? -1);
  return (
    <Widget title="Partitions" res={system} height={200} class="wide">
      {(data) => <>
        {data.partitions.filter((one) => one.phase !== 'running').map((one) => {
          const admin = reasons.get(one.n);
          return (
            <p class="mismatch" key={one.n}>
              <span aria-hidden="true">▲ </span>Partition {one.n} is {one.phase}
              {admin?.stopped && ` (${admin.stopped})`}:{' '}
              {visible(one.reason || admin?.reason || store_or_log_fault(data))}
            </p>
          );
        })}
        <Table caption="Partitions" rows={data.partitions} row_key={(row) => String(row.n)}
          columns={[
            { key: 'n', label: 'partition', value: (row) => row.n,
              show: (row) => <>{row.n === marked ? '→ ' : ''}{row.n}</> },
            { key: 'phase', label: 'phase', value: (row) => row.phase,
              show: (row) => (row.phase === 'running' ? 'running'
                : <span class="bad"><span aria-hidden="true">▲ </span>{row.phase}</span>) },
            { key: 'log_end', label: 'written', numeric: true, value: (row) => row.log_end,
              show: (row) => number(row.log_end) },
            { key: 'next', label: 'applied', numeric: true, value: (row) => row.next,
              show: (row) => number(row.next) },
            { key: 'folded', label: 'folded', numeric: true, value: (row) => row.folded,
              show: (row) => number(row.folded) },
            { key: 'lag', label: 'waiting', numeric: true, value: (row) => row.lag,
              show: (row) => number(row.lag) },
            ...(owned ? [{ key: 'owner', label: 'owner',
              value: (row: System['partitions'][number]) => row.owner,
              show: (row: System['partitions'][number]) =>
                row.owner || <span class="bad">nobody</span> }] : []),
          ]} />
      </>}
    </Widget>
  );
}

function AnswersWidget({ system }: { system: Resource<System> }) {
  return (
    <Widget title="Answers by source" res={system} height={150}>
      {(data) => {
        const { cache, actor, store } = data.queries;
        const total = cache + actor + store;
        const looked = data.cache.hits + data.cache.misses;
        return total === 0 ? <>
          <p class="quiet">No question has been answered since the start.</p>
          <Fault text={fault_of(data, 'cache')} />
        </> : (
          <>
            <Bars label="Answers by source" heads={['source', 'answers']} total={total} bars={[
              { key: 'cache', label: 'cache', value: cache },
              { key: 'actor', label: 'memory of a page', value: actor },
              { key: 'store', label: 'store', value: store },
            ]} />
            {looked > 0 && <p class="quiet">
              Cache: {number(data.cache.hits)} of {count_of(looked, 'look-up')} hit,{' '}
              {percent(data.cache.hits, looked)}.
            </p>}
            <Fault text={fault_of(data, 'cache')} />
          </>
        );
      }}
    </Widget>
  );
}

function EventsWidget({ system }: { system: Resource<System> }) {
  return (
    <Widget title="Events since the start" res={system} height={150}>
      {(data) => (
        <>
          <Fault text={fault_of(data, 'log')} />
          <dl class="facts">
            <div><dt>accepted</dt><dd>{number(data.events.accepted)}
              <span class="quiet"> durable in the log</span></dd></div>
            <div><dt>there already</dt><dd>{number(data.events.duplicates)}
              <span class="quiet"> sent again, counted once</span></dd></div>
            <div><dt>rejected</dt><dd>{number(data.events.rejected)}
              <span class="quiet"> with a reason for each</span></dd></div>
            <Counted name="unknown" count={data.events.unknown}
              means="may be stored; their senders were told to send them again" />
            <Counted name="bad records" count={data.events.bad}
              means="were no events; kept with their bytes" />
            <Counted name="id conflicts" count={data.events.id_conflicts}
              means="had a known id and other content; the first one counts" />
            <Counted name="failed answers" count={data.queries.failed}
              means="of all questions" />
          </dl>
        </>
      )}
    </Widget>
  );
}

/// What a part that a widget rests on cannot do just now.
function Fault({ text }: { text: string }) {
  if (!text) return null;
  return <p class="bad"><span aria-hidden="true">▲ </span>{text}</p>;
}

/// Trouble that is only worth a row when there was some.
function Counted({ name, count, means }: { name: string; count: number | undefined;
  means: string }) {
  if (!count) return null;
  return <div><dt>{name}</dt><dd class="bad"><span aria-hidden="true">▲ </span>{number(count)}
    <span class="quiet"> {means}</span></dd></div>;
}

function ClusterWidget({ cluster }: { cluster: Resource<Cluster> }) {
  const alone = cluster.data.value?.nodes.length === 1 && !cluster.data.value.nodes[0]?.name;
  const word = (node: ClusterNode) => node.state ?? (node.ready ? 'ready' : 'not ready');
  return (
    <Widget title="Cluster" res={cluster} height={100} class="wide"
      empty={() => (alone
        ? <p class="quiet">This node is alone; it has all partitions.</p> : null)}>
      {(data) => <>
        {(data.unowned?.length ?? 0) > 0 && <p class="mismatch"><span aria-hidden="true">▲ </span>
          Nobody has {count_of(data.unowned!.length, 'partition')}: {data.unowned!.join(', ')}</p>}
        <Table caption="Nodes" rows={data.nodes} row_key={(row) => row.name ?? 'this'} columns={[
          { key: 'name', label: 'node', value: (row) => row.name ?? 'this one',
            show: (row) => <>{row.name ?? 'this one'}{row.self && row.name && ' (this one)'}</> },
          { key: 'state', label: 'state', value: word, show: (row) => {
            const good = ['live', 'ready'].includes(word(row));
            return <span class={good ? undefined : 'bad'}>
              <span aria-hidden="true">{good ? '✓ ' : '▲ '}</span>{word(row)}</span>;
          } },
          { key: 'link', label: 'link', value: (row) => row.link ?? (row.self ? 'itself' : ''),
            show: (row) => row.link_fault ? <span class="bad">{visible(row.link_fault)}</span>
              : row.link ?? (row.self ? 'itself' : '') },
          { key: 'roles', label: 'roles', value: (row) => row.role_names ?? '' },
          { key: 'partitions', label: 'partitions', value: (row) =>
            row.partitions?.join(', ') ?? '' },
          { key: 'address', label: 'address', value: (row) => row.address ?? '' },
          { key: 'version', label: 'version', value: (row) => row.version ?? '' },
        ]} />
      </>}
    </Widget>
  );
}
