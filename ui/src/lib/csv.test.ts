import { expect, it } from 'vitest';
import { file_name, to_csv, to_ndjson } from './csv';
import { curl_get, curl_post, quoted } from './curl';

const sheet = {
  name: 'Pages of the last 60 minutes', columns: ['page_url', 'clicks'],
  rows: [['=HYPERLINK("x")', 3], ['+1', -2], ['@a', null], ['-b', 0], ['a,"b"\nc', 1]],
};

it('writes cells that a spreadsheet would run as text', () => {
  expect(to_csv(sheet)).toBe([
    '"page_url","clicks"', '"\'=HYPERLINK(""x"")",3', '"\'+1",-2', '"\'@a",', '"\'-b",0',
    '"a,""b""\nc",1', '',
  ].join('\r\n'));
});

it('writes NDJSON as it is', () => {
  expect(to_ndjson(sheet).split('\n')[0]).toBe('{"page_url":"=HYPERLINK(\\"x\\")","clicks":3}');
  expect(to_ndjson(sheet).trimEnd().split('\n')).toHaveLength(5);
});

it('names files plainly', () => {
  expect(file_name(sheet, 'csv')).toBe('footfall-pages-of-the-last-60-minutes.csv');
});

it('writes commands that a shell takes as they are', () => {
  expect(quoted("it's $HOME")).toBe("'it'\\''s $HOME'");
  expect(curl_get('http://h', '/v1/x?a=1&b=2', '0:1')).toBe(
    "curl -s -H 'Footfall-After: 0:1' 'http://h/v1/x?a=1&b=2'");
  expect(curl_post('http://h', '/e', '{"a":"\'"}')).toContain("'{\"a\":\"'\\''\"}'");
});
