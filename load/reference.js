// The requests of the reference's k6-testing.js, written anew: 10 clients ask for one count by
// a JSON body on a GET, 95 of 100 answers take less than 200 ms, each has a count.
import http from 'k6/http';
import { check } from 'k6';
import { DURATION, QUERY } from './common.js';

export const options = {
  vus: 10,
  duration: `${DURATION}s`,
  thresholds: { http_req_duration: ['p(95)<200'], checks: ['rate==1'] },
};

export default function () {
  const asked = JSON.stringify({ user_id: 'user_1', page_url: 'https://example.com/' });
  const answer = http.request('GET', `${QUERY}/analytics/events`, asked,
    { headers: { 'Content-Type': 'application/json' } });
  check(answer, {
    'it is answered': (r) => r.status === 200,
    'there is a count': (r) => r.json('count') >= 0,
  });
}
