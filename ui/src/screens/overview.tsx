/// How many, how many now, is it going up, which pages, can I trust it.

import { useEffect, useRef } from 'preact/hooks';
import {
  type Active, address, call, type Params, type Series, type Summary, type System, type TopPages,
} from '../lib/api';
import { bucket_label, count_of, day, number, percent, visible } from '../lib/format';
import { curl_post } from '../lib/curl';
import { add_shortcuts } from '../lib/keys';
import { range_labels, range_params, series_params } from '../lib/ranges';
import { type Resource, use_resource } from '../lib/resource';
import { is_global_admin } from '../lib/session';
import { share_base } from '../lib/share';
import { href, location, navigate, set_query, set_view, site_params, view } from '../lib/state';
import { ActiveCard, use_active } from '../widgets/active';
import { Bars, type Bar } from '../widgets/bars';
import { ChangeMark, Command, Details, Num, OpenPage, PageName } from '../widgets/bits';
import { Card, Cards } from '../widgets/cards';
import { Controls } from '../widgets/controls';
import { say } from '../widgets/live_dot';
import { LineChart, use_charts } from '../widgets/line_chart';
import { fault_of, Proof } from '../widgets/proof';
import { Spark } from '../widgets/spark';
import { use_sheet } from '../widgets/sheets';
import { problem_of_topic, remember_sample, use_stream, use_system } from '../widgets/stream';
import { Table } from '../widgets/table';
import { Empty, Widget } from '../widgets/widget';

const pages_max = 100;
const pages_first = 10;
// How often what the stream does not tell is asked for; many people look at one link.
const soon_ms = share_base ? 10_000 : 1000;

function base(): Params {
  return { ...site_params(), ...range_params(view.value.range), tz: view.value.tz };
}

/// Everything the screen shows, kept fresh by the stream.
function use_overview() {
  const { site, range, tz, compare } = view.value;
  const key = JSON.stringify([site, range, tz]);
  const summary = use_resource<Summary>(key + compare, (signal) =>
    call('/v1/stats/summary', { ...base(), compare }, { signal }));
  const series = use_resource<Series>(key + compare, (signal) => call('/v1/stats/series',
    { ...site_params(), ...series_params(range), tz, compare }, { signal, after: heard.current }));
  const hour = use_resource<Series>(site + tz, (signal) =>
    call('/v1/stats/series', { ...site_params(), range: 'live', tz }, { signal }));
  const top = use_resource<TopPages>(key, (signal) =>
    call('/v1/stats/top-pages', { ...base(), limit: pages_max }, { signal }));
  const active = use_active();
  const system = use_system();
  use_charts();
  const heard = useRef<string | undefined>(undefined);
  const all = { summary, series, hour, top, active, system };
  const refresh = () => Promise.all(Object.values(all).map((one) => one.load())).then(() => {
    if (summary.problem.value) throw new Error(summary.problem.value.detail);
  });
  use_stream({
    topics: [...(range.name ? ['summary', `top:${pages_first}`] : []), 'active', 'system'],
    params: range.name ? { range: range.name, tz } : {},
    on: (name, data) => {
      if (name === 'summary') {
        if (take_summary(summary, data as Summary)) {
          heard.current = (data as Summary).position || undefined;
          series.load_soon(soon_ms);
          hour.load_soon(soon_ms);
          top.load_soon(Math.max(soon_ms, 5000));
        }
      } else if (name === 'top') take_top(top, data as TopPages);
      else if (name === 'active') active.set(data as Active);
      else if (name === 'system') {
        remember_sample(data as System);
        system.set(data as System);
      }
    },
    trouble: (trouble) => {
      const of = { summary, active, system }[trouble.topic as 'summary' | 'active' | 'system']
        ?? (trouble.topic.startsWith('top') ? top : null);
      of?.fail(problem_of_topic(trouble));
    },
    poll: refresh,
  });
  useEffect(() => {
    // The running minute ends whether somebody clicks or not.
    const timer = setInterval(() => {
      if (document.hidden) return;
      hour.load_soon(0);
      if (range.name) series.load_soon(0);
      if (range.name) summary.load_soon(0);
    }, 30_000);
    return () => clearInterval(timer);
  }, [key]);
  return { ...all, refresh };
}

/// Takes a summary from the stream, which does not compare; true if the count moved.
function take_summary(res: Resource<Summary>, told: Summary): boolean {
  const old = res.data.value;
  res.set({ ...told, previous: told.previous ?? old?.previous ?? null,
    before: told.before ?? old?.before ?? null });
  return old?.now.clicks !== told.now.clicks;
}

/// Takes the first pages from the stream; those behind them stay as they were asked for.
function take_top(res: Resource<TopPages>, told: TopPages): void {
  const first = new Set(told.pages.map((page) => page.page_url));
  const behind = (res.data.value?.pages ?? []).filter((page) => !first.has(page.page_url));
  const more = res.data.value?.more ?? told.more;
  res.set({ ...told, pages: [...told.pages, ...(told.more ? behind : [])], more });
}

export function Overview() {
  const all = use_overview();
  const { tz, compare, range } = view.value;
  const api = address('/v1/stats/summary', { ...base(), compare });
  return (
    <>
      <h1 class="sr">Overview</h1>
      <Controls resolved={all.summary.data.value?.range ?? null} api={api}
        refresh={() => void all.refresh().catch(() => undefined)} />
      <button type="button" class="skip" onClick={() => read(all)}>Read the numbers now</button>
      <Numbers {...all} />
      <Widget title={`Clicks, ${range_title()}`} res={all.series} height={300} class="wide"
        empty={() => (nothing(all.summary) ? <NoClicks /> : null)}>
        {(series) => <SeriesChart series={series} tz={tz} running={range.name !== null
          || Date.parse(range.to ?? '') > Date.now()} />}
      </Widget>
      <Widget title="Pages" res={all.top} height={420} class="wide"
        tools={all.top.data.value?.pages.length ? <Filter /> : null}
        empty={(top) => (top.pages.length === 0 ? <p class="quiet">No page has a click in this
          range.</p> : null)}>
        {(top) => <Pages top={top} total={all.summary.data.value?.now.clicks ?? null} />}
      </Widget>
      {all.summary.data.value && <Proof answer={all.summary.data.value}
        system={all.system.data.value} />}
    </>
  );
}

/// Live numbers are not announced; this reads them once.
function read({ summary, hour, top, active }: NumbersProps): void {
  const told = summary.data.value;
  if (!told) return say('There are no numbers yet.');
  const minutes = hour.data.value?.points.reduce((sum, point) => sum + point.clicks, 0);
  const first = top.data.value?.pages[0];
  say(`${count_of(told.now.clicks, 'click')}, ${range_title()}. `
    + (told.before ? `${number(told.before.clicks)} in the period before. ` : '')
    + (minutes === undefined ? '' : `${number(minutes)} in the last 60 minutes. `)
    + (active.data.value ? `${count_of(active.data.value.visitors, 'active user')}. ` : '')
    + (first ? `Most on ${visible(first.page_url)}: ${number(first.clicks)}.` : ''));
}

function range_title(): string {
  const { range: { name, from, to }, tz } = view.value;
  if (name) return range_labels[name].toLowerCase();
  const last = new Date(Date.parse(to ?? '') - 1);
  return `${day(new Date(from ?? ''), tz)} to ${day(last, tz)}`;
}

function nothing(summary: Resource<Summary>): boolean {
  return summary.data.value?.now.clicks === 0 && !summary.data.value.before?.clicks;
}

interface NumbersProps {
  summary: Resource<Summary>;
  hour: Resource<Series>;
  top: Resource<TopPages>;
  active: Resource<Active>;
  system: Resource<System>;
}

function Numbers({ summary, hour, top, active, system }: NumbersProps) {
  const before = view.value.compare === 'year' ? 'the year before' : 'the period before';
  return (
    <Cards>
      <Card title="Clicks" res={summary}>
        {(data) => <>
          <Num value={data.now.clicks} />
          <small>{data.before && view.value.compare !== 'none'
            ? <ChangeMark now={data.now.clicks} before={data.before.clicks} than={before} />
            : <span class="quiet">{range_title()}</span>}</small>
        </>}
      </Card>
      <HourCard hour={hour} />
      <ActiveCard active={active} />
      <Card title="Top page" res={top} absent={(data) => data.pages.length === 0}>
        {(data) => <>
          <Num value={data.pages[0]!.clicks} />
          <small class="top-page">
            <span class="quiet">clicks on </span>
            <a href={href('/page', { u: data.pages[0]!.page_url })}><PageName
              url={data.pages[0]!.page_url} /></a>
          </small>
        </>}
      </Card>
      <Card title="Pages" res={top}>
        {(data) => <>
          <span class="num">{number(data.pages.length)}{data.more && '+'}</span>
          <small class="quiet">with a click in the range</small>
        </>}
      </Card>
      {is_global_admin.value && <CacheCard system={system} />}
    </Cards>
  );
}

/// Of the whole node, so not for those who may see one site.
function CacheCard({ system }: { system: Resource<System> }) {
  return (
    <Card title="Cache hit rate" res={system} fault={(data) => fault_of(data, 'cache')}
      absent={(data) => data.cache.hits + data.cache.misses === 0}>
      {(data) => <>
        <span class="num">
          {percent(data.cache.hits, data.cache.hits + data.cache.misses)}
        </span>
        <small class="quiet">
          of {count_of(data.cache.hits + data.cache.misses, 'look-up')} since the start
        </small>
      </>}
    </Card>
  );
}

/// How many now: the last hour, or the running minute where the hour is the range anyway.
function HourCard({ hour }: { hour: Resource<Series> }) {
  const live = view.value.range.name === 'live';
  return (
    <Card title={live ? 'This minute' : 'Last 60 minutes'} res={hour}>
      {(data) => {
        const minutes = data.points.map((point) => point.clicks);
        const [before = 0, latest = 0] = minutes.slice(-2);
        return <>
          <Num value={live ? latest : minutes.reduce((sum, clicks) => sum + clicks, 0)} />
          <small class="quiet">
            {live ? `${number(before)} in the minute before` : `${number(latest)} this minute`}
          </small>
          {!live && <Spark values={minutes} label="Clicks in each of the last 60 minutes"
            height={28} />}
        </>;
      }}
    </Card>
  );
}

function SeriesChart({ series, tz, running }: { series: Series; tz: string; running: boolean }) {
  const before = series.before ?? null;
  const rows = series.points.map((point, i) => ({ ...point, i, before: before?.[i] ?? null }));
  const compared = before !== null;
  const name = (at: string) => bucket_label(new Date(at), series.step, tz);
  use_sheet('Clicks over time', () => ({
    name: 'Clicks over time', columns: ['at', 'clicks', ...(compared ? ['clicks_before'] : [])],
    rows: rows.map((row) =>
      [row.at, row.clicks, ...(compared ? [row.before?.clicks ?? null] : [])]),
  }));
  return (
    <>
      <LineChart points={series.points} before={before} step={series.step} tz={tz}
        running={running} label="Clicks over time" height={260} />
      <Details label="Show as table">
        <Table caption={`Clicks by ${series.step}`} rows={rows} row_key={(row) => row.at}
          export={false} columns={[
            { key: 'at', label: series.step, value: (row) => row.i, show: (row) => name(row.at) },
            { key: 'clicks', label: 'clicks', numeric: true, value: (row) => row.clicks,
              show: (row) => number(row.clicks) },
            ...(compared ? [{ key: 'before', label: 'before', numeric: true,
              value: (row: (typeof rows)[number]) => row.before?.clicks ?? null,
              show: (row: (typeof rows)[number]) => number(row.before?.clicks ?? 0) }] : []),
          ]} />
      </Details>
    </>
  );
}

function Filter() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => add_shortcuts([{
    keys: '/', does: 'Filter the pages', run: () => field.current?.focus(),
  }]), []);
  const text = location.value.query.get('q') ?? '';
  return (
    <input class="filter" type="search" ref={field} value={text} placeholder="Filter pages"
      aria-label="Filter the pages in the list"
      onInput={(event) => set_query({ q: event.currentTarget.value })}
      onKeyDown={(event) => {
        if (event.key === 'Escape') event.currentTarget.blur();
        if (event.key !== 'Enter') return;
        const first = document.querySelector<HTMLAnchorElement>('.bars a.page-link');
        if (first) navigate(first.href);
      }} />
  );
}

function Pages({ top, total }: { top: TopPages; total: number | null }) {
  const text = (location.value.query.get('q') ?? '').toLowerCase();
  const all = location.value.query.has('all');
  const found = top.pages.filter((page) => page.page_url.toLowerCase().includes(text));
  const shown = all ? found : found.slice(0, pages_first);
  const listed = shown.reduce((sum, page) => sum + page.clicks, 0);
  const sum = total ?? top.pages.reduce((clicks, page) => clicks + page.clicks, 0);
  const bars: Bar[] = shown.map((page) => ({
    key: page.page_url, value: page.clicks,
    label: <>
      <a class="page-link" href={href('/page', { u: page.page_url })}>
        <PageName url={page.page_url} /></a>
      <OpenPage url={page.page_url} />
    </>,
    extra: page.users === null ? undefined : count_of(page.users, 'user'),
  }));
  if (!text && sum > listed) {
    bars.push({ key: '', rest: true, value: sum - listed, label: 'all other pages' });
  }
  use_sheet('Pages', () => ({
    name: 'Pages', columns: ['page_url', 'clicks', 'share_percent'],
    rows: shown.map((page) => [page.page_url, page.clicks,
      sum > 0 ? Math.round((page.clicks / sum) * 10_000) / 100 : null]),
  }));
  if (found.length === 0) {
    return <p class="quiet">None of the {number(top.pages.length)}{top.more && '+'} pages has
      “{text}” in its name.</p>;
  }
  return (
    <>
      <Bars label="Pages by clicks" bars={bars} total={sum} heads={['page', 'clicks']} />
      {found.length > pages_first && (
        <button type="button" class="link" onClick={() => set_query({ all: all ? '' : '1' })}>
          {all ? `Only the first ${pages_first}` : `Show ${number(found.length)}`}
        </button>
      )}
      {all && top.more && <p class="quiet">The first {pages_max} are listed.</p>}
    </>
  );
}

function NoClicks() {
  const body = '{"user_id":"ada","event_type":"click","page_url":"https://example.com/"}';
  const path = address('/v1/events', site_params());
  const wide = view.value.range.name === '12mo';
  return (
    <Empty why={wide ? 'No events yet.' : 'No clicks in this range.'}>
      {!wide && <p><button type="button" class="link" onClick={() =>
        set_view({ range: { name: '12mo', from: null, to: null } })}>Last 12 months</button></p>}
      {!share_base && <>
        <p>Send one from a shell, or from the <a href={href('/try')}>Try</a> screen; this page
          shows it within a second.</p>
        <Command text={curl_post(window.location.origin, path, body)} />
      </>}
      <p class="quiet"><span class="waiting" aria-hidden="true">●</span> waiting for the first
        click</p>
    </Empty>
  );
}
