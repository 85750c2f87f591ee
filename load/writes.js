// Clicks in, one a request and a hundred a request.
import { check } from 'k6';
import { DURATION, clicks, ledger_thresholds, now_and_then, post, rate, within } from './common.js';

const steady = (exec, a_second) => ({
  exec,
  executor: 'constant-arrival-rate',
  rate: rate(a_second),
  timeUnit: '1s',
  duration: `${DURATION}s`,
  preAllocatedVUs: 50,
  maxVUs: 200,
});

export const options = {
  scenarios: { single: steady('single', 200), batch: steady('batch', 10) },
  thresholds: {
    ...ledger_thresholds,
    'http_req_duration{name:single}': [`p(99)${within(25)}`],
    'http_req_duration{name:batch}': [`p(99)${within(25)}`],
  },
};

export function single() {
  const events = clicks(1);
  const answer = post('/ingest', events, 'single', now_and_then());
  check(answer, { 'it is echoed': (r) => r.json('event_id') === events[0].event_id });
}

export function batch() {
  const answer = post('/v1/events', clicks(100), 'batch', now_and_then());
  check(answer, { 'each has its result': (r) => r.json('results').length === 100 });
}
