/// One page: clicks, users, types, the last hour, who clicked most, and the proof.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import {
  type Active, address, call, type PageAnswer, type PageUsers, type Series, type System,
  type TopPages,
} from '../lib/api';
import { count_of, minute_time, number, percent } from '../lib/format';
import { series_params } from '../lib/ranges';
import { type Resource, use_resource } from '../lib/resource';
import { is_global_admin, sees_users } from '../lib/session';
import { share_base } from '../lib/share';
import { href, location, navigate, now, site_params, view } from '../lib/state';
import { ActiveCard, use_active } from '../widgets/active';
import { Bars } from '../widgets/bars';
import { Command, Details, Foreign, Json, Num, OpenPage, PageName } from '../widgets/bits';
import { Card, Cards } from '../widgets/cards';
import { Controls } from '../widgets/controls';
import { LineChart, use_charts } from '../widgets/line_chart';
import { Proof } from '../widgets/proof';
import { Recount } from '../widgets/recount';
import { use_sheet } from '../widgets/sheets';
import { MinuteBars } from '../widgets/spark';
import { problem_of_topic, remember_sample, use_stream, use_system } from '../widgets/stream';
import { Table } from '../widgets/table';
import { Empty, Widget } from '../widgets/widget';
import { curl_get, curl_post } from '../lib/curl';

export function PageScreen() {
  const url = location.value.query.get('u') ?? '';
  return url ? <OnePage key={`${view.value.site} ${url}`} url={url} /> : <ChoosePage />;
}

function ChoosePage() {
  const text = useSignal('');
  const top = use_resource<TopPages>('top', (signal) =>
    call('/v1/stats/top-pages', { ...site_params(), limit: 20 }, { signal }));
  use_stream({ topics: ['system'], on: () => undefined });
  return (
    <>
      <h1>One page</h1>
      <form class="row-form" onSubmit={(event) => {
        event.preventDefault();
        if (text.value) navigate(href('/page', { u: text.value }));
      }}>
        <label class="field grow">Address of the page, as events name it
          <input list="pages" value={text.value} required maxLength={2048}
            onInput={(event) => { text.value = event.currentTarget.value; }} />
        </label>
        <button type="submit" class="primary">Show</button>
      </form>
      <datalist id="pages">
        {top.data.value?.pages.map((page) => <option key={page.page_url} value={page.page_url} />)}
      </datalist>
      <Widget title="Pages with the most clicks" res={top} height={300} class="wide"
        empty={(data) => (data.pages.length ? null : <Empty why="No page has a click yet." />)}>
        {(data) => (
          <Bars label="Pages with the most clicks" heads={['page', 'clicks']}
            total={data.pages.reduce((sum, page) => sum + page.clicks, 0)}
            bars={data.pages.map((page) => ({
              key: page.page_url, value: page.clicks,
              label: <a class="page-link" href={href('/page', { u: page.page_url })}>
                <PageName url={page.page_url} /></a>,
              extra: page.users === null ? undefined : count_of(page.users, 'user'),
            }))} />
        )}
      </Widget>
    </>
  );
}

function use_page(url: string) {
  const { range, tz, compare } = view.value;
  const heard = useRef<string | undefined>(undefined);
  const params = { ...site_params(), page_url: url };
  const page = use_resource<PageAnswer>(url, (signal) =>
    call('/v1/stats/page', params, { signal }));
  const users = use_resource<PageUsers>(sees_users.value ? url : '', (signal) =>
    call('/v1/stats/users', { ...params, limit: 10 }, { signal }));
  const series = use_resource<Series>(JSON.stringify([url, range, tz, compare]), (signal) =>
    call('/v1/stats/series', { ...params, ...series_params(range), tz, compare },
      { signal, after: heard.current }));
  const active = use_active({ page_url: url });
  const system = use_system();
  use_charts();
  const refresh = () =>
    Promise.all([page, users, series, active, system].map((one) => one.load())).then(() => {
      if (page.problem.value) throw new Error(page.problem.value.detail);
    });
  use_stream({
    topics: [`page:${url}`, 'active', 'system'],
    params: { page_url: url },
    on: (name, data) => {
      if (name === 'page') {
        const told = data as PageAnswer;
        const moved = page.data.value?.clicks !== told.clicks;
        page.set(told);
        heard.current = told.position || undefined;
        if (moved && sees_users.value) users.load_soon(2000);
        if (moved) series.load_soon(share_base ? 5000 : 1000);
      } else if (name === 'active') active.set(data as Active);
      else if (name === 'system') {
        remember_sample(data as System);
        system.set(data as System);
      }
    },
    trouble: (trouble) =>
      ({ active, system }[trouble.topic as 'active' | 'system'] ?? page)
        .fail(problem_of_topic(trouble)),
    poll: refresh,
  });
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) series.load_soon(0);
    }, 30_000);
    return () => clearInterval(timer);
  }, []);
  return { page, users, series, active, system, refresh };
}

function OnePage({ url }: { url: string }) {
  const all = use_page(url);
  const { tz, range } = view.value;
  const api = address('/v1/stats/page', { ...site_params(), page_url: url });
  const resolved = all.series.data.value?.range ?? null;
  const running = range.name !== null || Date.parse(range.to ?? '') > Date.now();
  return (
    <>
      <div class="title">
        <a href={href('/')}>Overview</a> <span class="quiet" aria-hidden="true">/</span>{' '}
        <h1><Foreign text={url} /></h1> <OpenPage url={url} />
      </div>
      <PageNumbers page={all.page} active={all.active} />
      {all.page.data.value?.clicks === 0
        ? <NoClicksOfPage url={url} />
        : <>
          <Controls resolved={resolved} api={api}
            refresh={() => void all.refresh().catch(() => undefined)} />
          <Widget title="Clicks over time" res={all.series} height={300} class="wide">
            {(series) => <LineChart points={series.points} before={series.before ?? null}
              step={series.step} tz={tz} running={running} label="Clicks over time"
              height={220} />}
          </Widget>
          <Widget title="Last 60 minutes" res={all.page} height={140} class="wide">
            {(page) => <Minutes values={page.last_60_minutes} />}
          </Widget>
          <div class="halves">
            <Types page={all.page} />
            {sees_users.value && <Users users={all.users} page={all.page} />}
          </div>
          <ProofOfPage {...all} api={api} url={url} />
        </>}
    </>
  );
}

function PageNumbers({ page, active }: { page: Resource<PageAnswer>; active: Resource<Active> }) {
  return (
    <Cards>
      <Card title="Clicks" res={page}>
        {(data) => <><Num value={data.clicks} /><small class="quiet">of all time</small></>}
      </Card>
      <Card title="Users" res={page}>
        {(data) => <><Num value={data.users} />
          <small class="quiet">{data.users > 0
            ? `${(data.clicks / data.users).toFixed(1)} clicks each, on average` : ''}</small></>}
      </Card>
      <Card title="Last 60 minutes" res={page}>
        {(data) => <>
          <Num value={data.last_60_minutes.reduce((sum, clicks) => sum + clicks, 0)} />
          <small class="quiet">{number(data.last_60_minutes.at(-1) ?? 0)} this minute</small>
        </>}
      </Card>
      <ActiveCard active={active} />
    </Cards>
  );
}

function Minutes({ values }: { values: number[] }) {
  const end = Math.floor(now.value / 60_000) * 60_000;
  const { tz } = view.value;
  const name = (i: number) => minute_time(new Date(end - (values.length - 1 - i) * 60_000), tz);
  const sum = values.reduce((total, clicks) => total + clicks, 0);
  const peak = Math.max(...values);
  const text = `${count_of(sum, 'click')} in the last 60 minutes`
    + (peak > 0 ? `, most in a minute ${number(peak)} (${name(values.indexOf(peak))}).` : '.');
  use_sheet('Last 60 minutes', () => ({
    name: 'Last 60 minutes', columns: ['minute', 'clicks'],
    rows: values.map((clicks, i) => [name(i), clicks]),
  }));
  return (
    <figure>
      <figcaption class="quiet">{text}</figcaption>
      <MinuteBars values={values} label={text} height={80} />
      <div class="ends quiet"><span>{name(0)}</span><span>{name(values.length - 1)}</span></div>
      <Details label="Show as table">
        <Table caption="Clicks by minute" export={false} row_key={(row) => row.at}
          rows={values.map((clicks, i) => ({ at: name(i), clicks, i }))} columns={[
            { key: 'at', label: 'minute', value: (row) => row.i, show: (row) => row.at },
            { key: 'clicks', label: 'clicks', numeric: true, value: (row) => row.clicks },
          ]} />
      </Details>
    </figure>
  );
}

function Types({ page }: { page: Resource<PageAnswer> }) {
  const shown = useSignal(9);
  const types = Object.entries(page.data.value?.by_type ?? {}).sort((a, b) => b[1] - a[1]);
  use_sheet('Event types', page.data.value ? () => ({
    name: 'Event types', columns: ['event_type', 'clicks'],
    rows: types.slice(0, shown.value),
  }) : null);
  return (
    <Widget title="Event types" res={page} height={200}>
      {(data) => {
        const listed = types.slice(0, shown.value);
        const rest = data.clicks - listed.reduce((sum, [, clicks]) => sum + clicks, 0);
        return (
          <>
            <Bars label="Clicks by event type" heads={['type', 'clicks']} total={data.clicks}
              bars={[
                ...listed.map(([type, clicks]) => ({
                  key: `t${type}`, value: clicks, label: <Foreign text={type} />,
                })),
                ...(rest > 0
                  ? [{ key: '', value: rest, rest: true, label: 'all other types' }] : []),
              ]} />
            {types.length > shown.value && <button type="button" class="link"
              onClick={() => { shown.value = types.length; }}>
              Show all {number(types.length)}</button>}
          </>
        );
      }}
    </Widget>
  );
}

interface UsersProps {
  users: Resource<PageUsers>;
  page: Resource<PageAnswer>;
}

function Users({ users, page }: UsersProps) {
  use_sheet('Users with the most clicks', users.data.value ? () => ({
    name: 'Users with the most clicks', columns: ['user_id', 'clicks'],
    rows: (users.data.value?.users ?? []).map((user) => [user.user_id, user.clicks]),
  }) : null);
  return (
    <Widget title="Users with the most clicks" res={users} height={200}>
      {(data) => {
        const listed = data.users.reduce((sum, user) => sum + user.clicks, 0);
        const total = Math.max(listed, page.data.value?.clicks ?? 0);
        return (
          <Bars label="Users with the most clicks" heads={['user', 'clicks']} total={total}
            bars={[
              ...data.users.map((user) => ({
                key: `u${user.user_id}`, value: user.clicks,
                label: <Foreign text={user.user_id} />,
              })),
              ...(total > listed && data.more
                ? [{ key: '', value: total - listed, rest: true, label: 'all other users' }]
                : []),
            ]} />
        );
      }}
    </Widget>
  );
}

interface ProofProps {
  page: Resource<PageAnswer>;
  system: Resource<System>;
  api: string;
  url: string;
}

function ProofOfPage({ page, system, api, url }: ProofProps) {
  const data = page.data.value;
  if (!data) return null;
  const types = Object.values(data.by_type).reduce((sum, clicks) => sum + clicks, 0);
  const adds_up = types + data.other_types.clicks === data.clicks;
  return (
    <section class="widget wide">
      <Proof answer={data} system={system.data.value} />
      <Details label="What stands behind this page's numbers">
        <p>
          Every acknowledged click that arrived before the time above is counted. Partition and
          offset of the last event that is included: <code>{data.position || 'none yet'}</code>.
          Send it as <code>Footfall-After</code> to read at least this much.
        </p>
        <p class={adds_up ? undefined : 'mismatch'}>
          <span aria-hidden="true">{adds_up ? '✓ ' : '▲ '}</span>
          {number(data.clicks)} clicks = {number(types)} of named types
          + {number(data.other_types.clicks)} of other types{adds_up ? '' : ': does not add up'}.
          The last hour is {percent(data.last_60_minutes.reduce((a, b) => a + b, 0), data.clicks)}
          {' '}of all.
        </p>
        {is_global_admin.value && <Recount url={url} />}
        <Command text={curl_get(window.location.origin, api, data.position)} />
        <Json value={data} label="The answer as JSON" />
      </Details>
    </section>
  );
}

function NoClicksOfPage({ url }: { url: string }) {
  const body = JSON.stringify({ user_id: 'ada', event_type: 'click', page_url: url });
  return (
    <Empty why="This page has no clicks.">
      <p>Page names are taken as they are: another spelling, or a slash at the end, is another
        page. A click on it appears here within a second.</p>
      {!share_base && <Command text={curl_post(window.location.origin,
        address('/v1/events', site_params()), body)} />}
    </Empty>
  );
}
