/// What happens now: rates, the last hour, and the pages that are clicked.

import { useEffect } from 'preact/hooks';
import {
  type Active, call, type Series, type Summary, type System, type TopPages,
} from '../lib/api';
import { age, count_of, milliseconds, number, rate, span } from '../lib/format';
import { useSignal } from '@preact/signals';
import { type Resource, use_resource } from '../lib/resource';
import { is_global_admin } from '../lib/session';
import { share_base } from '../lib/share';
import { href, now, site_params, view } from '../lib/state';
import { ActiveCard, ActivePages, use_active } from '../widgets/active';
import { Bars } from '../widgets/bars';
import { Num, PageName } from '../widgets/bits';
import { Card, Cards } from '../widgets/cards';
import { fault_of, ledger_fault, Proof } from '../widgets/proof';
import { MinuteBars, Spark } from '../widgets/spark';
import {
  problem_of_topic, rates, remember_sample, samples, use_stream, use_system,
} from '../widgets/stream';
import { use_sheet } from '../widgets/sheets';
import { Empty, Widget } from '../widgets/widget';

const range = 'live';

function use_live() {
  const { site, tz } = view.value;
  const key = `live ${site} ${tz}`;
  const params = { ...site_params(), range, tz };
  const summary = use_resource<Summary>(key, (signal) =>
    call('/v1/stats/summary', params, { signal }));
  const series = use_resource<Series>(key, (signal) =>
    call('/v1/stats/series', params, { signal }));
  const top = use_resource<TopPages>(key, (signal) =>
    call('/v1/stats/top-pages', { ...params, limit: 20 }, { signal }));
  const active = use_active();
  const system = use_system();
  const refresh = () =>
    Promise.all([summary, series, top, active, system].map((one) => one.load())).then(() => {
      if (summary.problem.value) throw new Error(summary.problem.value.detail);
    });
  use_stream({
    topics: ['summary', 'top:20', 'active', 'system'],
    params: { range, tz },
    on: (name, data) => {
      if (name === 'summary') {
        const moved = summary.data.value?.now.clicks !== (data as Summary).now.clicks;
        summary.set(data as Summary);
        if (moved) series.load_soon(share_base ? 5000 : 1000);
      } else if (name === 'top') top.set(data as TopPages);
      else if (name === 'active') active.set(data as Active);
      else if (name === 'system') {
        remember_sample(data as System);
        system.set(data as System);
      }
    },
    trouble: (trouble) => {
      const of = { summary, active, system }[trouble.topic as 'summary' | 'active' | 'system']
        ?? top;
      of.fail(problem_of_topic(trouble));
    },
    poll: refresh,
  });
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) series.load_soon(0);
    }, 15_000);
    return () => clearInterval(timer);
  }, []);
  return { summary, series, top, active, system };
}

export function LiveScreen() {
  const all = use_live();
  return (
    <>
      <h1 class="sr">Live</h1>
      <Numbers {...all} />
      {is_global_admin.value && <Rates system={all.system} />}
      <Widget title="Clicks in each of the last 60 minutes" res={all.series} height={140}
        class="wide">
        {(series) => {
          const values = series.points.map((point) => point.clicks);
          return <figure>
            <MinuteBars values={values} height={96}
              label={`${count_of(values.reduce((a, b) => a + b, 0), 'click')}, `
                + `most in a minute ${number(Math.max(0, ...values))}`} />
            <div class="ends quiet"><span>60 minutes ago</span><span>now</span></div>
          </figure>;
        }}
      </Widget>
      <ActivePages active={all.active} />
      <HourPages top={all.top} summary={all.summary} />
      {all.summary.data.value && <Proof answer={all.summary.data.value}
        system={all.system.data.value} />}
    </>
  );
}

interface NumbersProps {
  summary: Resource<Summary>;
  active: Resource<Active>;
  system: Resource<System>;
}

function latest(of: 'accepted' | 'applied'): number | null {
  const list = rates(samples.value.slice(-6), of);
  return list.length ? list.reduce((sum, value) => sum + value, 0) / list.length : null;
}

function Numbers({ summary, active, system }: NumbersProps) {
  return (
    <Cards>
      <Card title="Last 60 minutes" res={summary}>
        {(data) => <><Num value={data.now.clicks} /><small class="quiet">clicks</small></>}
      </Card>
      <ActiveCard active={active} />
      {is_global_admin.value && <NodeCards system={system} />}
    </Cards>
  );
}

/// Of the whole node, so not for those who may see one site.
function NodeCards({ system }: { system: Resource<System> }) {
  const accepted = latest('accepted');
  return (
    <>
      <Card title="Accepted a second" res={system} fault={(data) => fault_of(data, 'log')}
        absent={() => accepted === null}>
        {() => <><Num value={accepted ?? 0} show={rate} />
          <small class="quiet">by this node, mean of 5 s</small></>}
      </Card>
      <Card title="Waiting to be counted" res={system} fault={(data) =>
        (data.ledger.waiting === null ? ledger_fault(data) : fault_of(data, 'store'))}>
        {({ ledger: { waiting, written } }) => waiting !== null && written !== null && <>
          <Num value={waiting} />
          <small class="quiet">of {number(written)} written</small></>}
      </Card>
      <Card title="Accepted to visible, p99" res={system}
        absent={(data) => data.freshness.p99_ms === null}>
        {(data) => <><span class="num">{milliseconds(data.freshness.p99_ms ?? 0)}</span>
          <small class="quiet">half within {milliseconds(data.freshness.p50_ms ?? 0)}</small></>}
      </Card>
    </>
  );
}

function Rates({ system }: { system: Resource<System> }) {
  const list = rates(samples.value, 'applied');
  const first = samples.value[0];
  return (
    <Widget title="Counted a second" res={system} height={90} class="wide">
      {() => (list.length < 2
        ? <p class="quiet">The line begins with the second answer, in a second or two.</p>
        : <figure>
          <Spark values={list} height={56}
            label={`Events counted a second, now ${rate(list.at(-1) ?? 0)}, `
              + `most ${rate(Math.max(...list))}`} />
          <div class="ends quiet">
            <span>{first ? `since this page was opened, ${age(first.at, now.value)}` : ''}</span>
            <span>now {rate(list.at(-1) ?? 0)}, most {rate(Math.max(...list))}</span>
          </div>
        </figure>)}
    </Widget>
  );
}

interface HourPagesProps {
  top: Resource<TopPages>;
  summary: Resource<Summary>;
}

function HourPages({ top, summary }: HourPagesProps) {
  const pages = top.data.value?.pages ?? [];
  use_sheet('Pages of the last 60 minutes', () => ({
    name: 'Pages of the last 60 minutes', columns: ['page_url', 'clicks'],
    rows: pages.map((page) => [page.page_url, page.clicks]),
  }));
  const opened = useSignal(Date.now());
  return (
    <Widget title="Pages of the last 60 minutes" res={top} height={300} class="wide"
      empty={(data) => (data.pages.length ? null : <Empty why="No clicks in the last 60 minutes.">
        <p>This page has waited for one for {span((now.value - opened.value) / 1000)}.
          {!share_base && <> Send one from the <a href={href('/try')}>Try</a> screen.</>}
        </p></Empty>)}>
      {(data) => {
        const listed = data.pages.reduce((sum, page) => sum + page.clicks, 0);
        const total = Math.max(listed, summary.data.value?.now.clicks ?? 0);
        return <Bars label="Pages by clicks in the last 60 minutes" heads={['page', 'clicks']}
          total={total} bars={[
            ...data.pages.map((page) => ({
              key: page.page_url, value: page.clicks,
              label: <a class="page-link" href={href('/page', { u: page.page_url })}>
                <PageName url={page.page_url} /></a>,
            })),
            ...(data.more && total > listed
              ? [{ key: '', rest: true, value: total - listed, label: 'all other pages' }] : []),
          ]} />;
      }}
    </Widget>
  );
}
