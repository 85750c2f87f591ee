// Every question over HTTP, and counts over gRPC, of pages as often as they are visited. The
// clicks are known before, so each answer is held against them.
import http from 'k6/http';
import grpc from 'k6/net/grpc';
import { check } from 'k6';
import { DURATION, GRPC, INGEST, PAGES, QUERY, SITE, ledger_thresholds, page, post, rate, within,
  zipf } from './common.js';

const BY = 'reader';
const client = new grpc.Client();
client.load(['../proto'], 'analytics/analytics.proto', 'footfall/v1/stats.proto');

/// How many clicks page n has, all of one user.
const known = (n) => 1 + Math.floor(200 / (n + 1));

const QUESTIONS = {
  count: 5, page: 5, top: 5, series: 5, users: 15, compatible: 5, compatible_body: 5, grpc: 5,
};

export const options = {
  scenarios: {
    questions: {
      executor: 'constant-arrival-rate',
      rate: rate(200),
      timeUnit: '1s',
      duration: `${DURATION}s`,
      preAllocatedVUs: 50,
      maxVUs: 200,
    },
  },
  thresholds: {
    ...ledger_thresholds,
    ...Object.fromEntries(Object.entries(QUESTIONS).map(([name, ms]) => [
      name === 'grpc' ? 'grpc_req_duration' : `http_req_duration{name:${name}}`,
      [`p(99)${within(ms)}`]])),
  },
};

export function setup() {
  const positions = {};
  let events = [];
  const flush = () => {
    const answer = post('/v1/events', events, 'setup');
    for (const { position } of answer.json('results')) {
      const [partition, offset] = position.split(':').map(Number);
      positions[partition] = Math.max(positions[partition] || 0, offset);
    }
    events = [];
  };
  for (let n = 0; n < PAGES; ++n) {
    for (let i = 0; i < known(n); ++i) {
      events.push({ n, event_id: `known-${n}-${i}`, user_id: BY, page_url: page(n) });
      if (events.length === 1000) flush();
    }
  }
  if (events.length) flush();
  // From here on every answer has them all.
  const after = Object.entries(positions).map((x) => x.join(':')).join(',');
  const answer = http.get(`${QUERY}/v1/stats/top-pages?site=${SITE}`,
    { headers: { 'Footfall-After': after }, tags: { name: 'setup' } });
  check(answer, { 'all of it is counted before questions are asked': (r) => r.status === 200 });
}

const asked = {
  count: (n) => [`/v1/stats/count?user_id=${BY}&page_url=${page(n)}`, (x) => x.count],
  page: (n) => [`/v1/stats/page?page_url=${page(n)}`, (x) => x.clicks],
  users: (n) => [`/v1/stats/users?page_url=${page(n)}`, (x) => x.users[0].clicks],
  series: (n) => [`/v1/stats/series?step=hour&page_url=${page(n)}`,
    (x) => x.points.reduce((sum, point) => sum + point.clicks, 0)],
  compatible: (n) => [`/analytics/events?user_id=${BY}&page_url=${page(n)}`, (x) => x.count],
  top: () => ['/v1/stats/top-pages?limit=10', (x) => x.pages[0].clicks],
};

function over_http(name, n) {
  const body = name === 'compatible_body';
  const [path, figure] = body ? ['/analytics/events?', (x) => x.count] : asked[name](n);
  const answer = http.request('GET', `${QUERY}${path}&site=${SITE}`.replace('?&', '?'),
    body ? JSON.stringify({ user_id: BY, page_url: page(n) }) : null, { tags: { name } });
  check(answer, {
    [`${name} is exact`]: (r) =>
      r.status === 200 && figure(r.json()) === known(name === 'top' ? 0 : n),
  });
}

function over_grpc(n) {
  const own = client.invoke('footfall.v1.Stats/GetCount',
    { site_id: SITE, user_id: BY, page_url: page(n) });
  check(own, {
    'grpc is exact': (r) => r.status === grpc.StatusOK && Number(r.message.count) === known(n),
  });
  // The compatible service knows no sites: nobody of that name clicked in the one it counts.
  const compatible = client.invoke('analytics.AnalyticsService/GetEventCount',
    { user_id: SITE, page_url: page(n) });
  check(compatible, {
    'compatible grpc is exact': (r) => r.status === grpc.StatusOK && r.message.userId === SITE
      && Number(r.message.count || 0) === 0,
  });
}

export default function () {
  if (__ITER === 0) client.connect(GRPC, { plaintext: true });
  const n = zipf();
  const names = Object.keys(QUESTIONS);
  const name = names[Math.floor(Math.random() * names.length)];
  if (name === 'grpc') over_grpc(n);
  else over_http(name, n);
}
