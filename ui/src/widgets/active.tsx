/// Who is active now: on the site, or on one page.

import { type Active, call, type Params } from '../lib/api';
import { clock_time, count_of } from '../lib/format';
import { type Resource, use_resource } from '../lib/resource';
import { href, site_params, view } from '../lib/state';
import { Bars } from './bars';
import { Num, PageName } from './bits';
import { Card } from './cards';
import { use_sheet } from './sheets';
import { Widget } from './widget';

export function use_active(params: Params = {}): Resource<Active> {
  return use_resource<Active>(`active ${view.value.site} ${params.page_url ?? ''}`, (signal) =>
    call('/v1/stats/active', { ...site_params(), ...params }, { signal }));
}

/// The time that the number is about: a node that began lately knows nothing of before.
function span_of({ since, window_s }: Active): string {
  return since ? `since ${clock_time(new Date(since), view.value.tz)}, when counting began`
    : `in the last ${window_s / 60} minutes`;
}

export function ActiveCard({ active }: { active: Resource<Active> }) {
  return (
    <Card title="Active users" res={active}>
      {(data) => <>
        <Num value={data.visitors} />
        <small class="quiet">{count_of(data.clicks, 'click')} {span_of(data)}</small>
      </>}
    </Card>
  );
}

export function ActivePages({ active }: { active: Resource<Active> }) {
  use_sheet('Active pages', active.data.value ? () => ({
    name: 'Active pages', columns: ['page_url', 'users', 'clicks'],
    rows: (active.data.value?.pages ?? []).map((page) =>
      [page.page_url, page.visitors, page.clicks]),
  }) : null);
  return (
    <Widget title="Active pages" res={active} height={200} class="wide"
      empty={(data) => (data.pages.length ? null
        : <p class="quiet">Nobody clicked {span_of(data)}.</p>)}>
      {(data) => <>
        <Bars label="Users by page" heads={['page', 'users']} total={data.visitors}
          bars={data.pages.map((page) => ({
            key: page.page_url, value: page.visitors,
            label: <a class="page-link" href={href('/page', { u: page.page_url })}>
              <PageName url={page.page_url} /></a>,
            extra: count_of(page.clicks, 'click'),
          }))} />
        <p class="quiet">Of {count_of(data.visitors, 'user')} {span_of(data)}; who clicked on
          several pages is counted on each.</p>
      </>}
    </Widget>
  );
}
