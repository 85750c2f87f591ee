// A day in DURATION seconds: a quiet night, a morning that rises, a peak at noon, an evening.
// Visitors click, a shop's backend sends batches, people look at their pages, and somebody
// asks again and again for the click that was just made.
import http from 'k6/http';
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import { DURATION, QUERY, SITE, clicks, ledger_thresholds, page, post, rate, within, zipf }
  from './common.js';

const freshness = new Trend('freshness', true);
const HOURS = [[6, 0.2], [3, 0.7], [3, 1], [2, 0.8], [6, 0.9], [4, 0.2]]; // how many, how busy

const daily = (exec, peak) => ({
  exec,
  executor: 'ramping-arrival-rate',
  startRate: rate(peak * 0.2),
  timeUnit: '1s',
  stages: HOURS.map(([hours, busy]) =>
    ({ duration: `${Math.round(DURATION * hours * 1000 / 24)}ms`, target: rate(peak * busy) })),
  preAllocatedVUs: 50,
  maxVUs: 200,
});

export const options = {
  scenarios: {
    visitor: daily('visitor', 150),
    shop: daily('shop', 5),
    reader: daily('reader', 100),
    prober: daily('prober', 5),
  },
  thresholds: {
    ...ledger_thresholds,
    'http_req_duration{name:visitor}': [`p(99)${within(25)}`],
    'http_req_duration{name:shop}': [`p(99)${within(25)}`],
    'http_req_duration{name:reader}': [`p(99)${within(15)}`],
    freshness: [`p(50)${within(20)}`, `p(99)${within(100)}`],
  },
};

export function visitor() {
  check(post('/ingest', clicks(1), 'visitor'), { accepted: (r) => r.status === 200 });
}

export function shop() {
  check(post('/v1/events', clicks(100), 'shop'), { accepted: (r) => r.status === 200 });
}

export function reader() {
  const what = ['page', 'users', 'series'][Math.floor(Math.random() * 3)];
  const answer = http.get(`${QUERY}/v1/stats/${what}?site=${SITE}&page_url=${page(zipf())}`,
    { tags: { name: 'reader' } });
  check(answer, { answered: (r) => r.status === 200 && r.json('as_of') !== undefined });
}

export function prober() {
  const began = Date.now();
  const [click] = clicks(1);
  click.user_id = click.event_id; // Nobody else: so the answer must be 1.
  const posted = post('/ingest', [click], 'prober');
  const answer = http.get(
    `${QUERY}/v1/stats/count?site=${SITE}&user_id=${click.user_id}&page_url=${click.page_url}`,
    { headers: { 'Footfall-After': posted.headers['Footfall-Position'] },
      tags: { name: 'prober' } });
  freshness.add(Date.now() - began);
  check(answer, { 'a click is counted as soon as it is asked for': (r) => r.json('count') === 1 });
}
