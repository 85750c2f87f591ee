/// A real table: sortable by buttons, in a box that scrolls and takes the focus.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Cell } from '../lib/csv';
import { use_sheet } from './sheets';

export interface Column<T> {
  key: string;
  label: string;
  /// What is sorted and exported.
  value(row: T): Cell;
  /// What is shown; the value where it is left out.
  show?: (row: T) => ComponentChildren;
  numeric?: boolean;
  fixed?: boolean;
}

export interface Sort {
  key: string;
  down: boolean;
}

interface TableProps<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  row_key(row: T): string;
  /// Where somebody else sorts, such as the server.
  sort?: Sort;
  on_sort?: (sort: Sort) => void;
  /// Shown to all instead of to screen readers only.
  show_caption?: boolean;
  export?: boolean;
}

function compare(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a ?? '').localeCompare(String(b ?? ''), 'en', { numeric: true });
}

export function Table<T>(props: TableProps<T>) {
  const own = useSignal<Sort | null>(null);
  const sort = props.sort ?? own.value;
  let rows = props.rows;
  const column = props.columns.find((one) => one.key === sort?.key);
  if (column && !props.on_sort) {
    const sign = sort?.down ? -1 : 1;
    rows = [...rows].sort((a, b) => sign * compare(column.value(a), column.value(b)));
  }
  use_sheet(props.caption, props.export === false ? null : () => ({
    name: props.caption,
    columns: props.columns.map((one) => one.label),
    rows: rows.map((row) => props.columns.map((one) => one.value(row))),
  }));
  const choose = (key: string, numeric: boolean) => {
    const down = sort?.key === key ? !sort.down : numeric;
    if (props.on_sort) props.on_sort({ key, down });
    else own.value = { key, down };
  };
  return (
    <div class="table-box" tabIndex={0} role="group" aria-label={props.caption}>
      <table>
        <caption class={props.show_caption ? undefined : 'sr'}>{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((one) => <Head key={one.key} column={one} sort={sort}
              choose={choose} />)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={props.row_key(row)}>
              {props.columns.map((one, i) => <Data key={one.key} column={one} row={row}
                first={i === 0} />)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps<T> {
  column: Column<T>;
  sort: Sort | null;
  choose(key: string, numeric: boolean): void;
}

function Head<T>({ column, sort, choose }: HeadProps<T>) {
  const numeric = column.numeric ?? false;
  if (column.fixed) return <th scope="col" class={numeric ? 'n' : undefined}>{column.label}</th>;
  const chosen = sort?.key === column.key;
  const order = chosen ? (sort.down ? 'descending' : 'ascending') : undefined;
  return (
    <th scope="col" class={numeric ? 'n' : undefined} aria-sort={order}>
      <button type="button" class="sort" onClick={() => choose(column.key, numeric)}>
        {column.label}
        <span aria-hidden="true">{chosen ? (sort.down ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}

function Data<T>({ column, row, first }: { column: Column<T>; row: T; first: boolean }) {
  const content = column.show ? column.show(row) : column.value(row);
  const style = column.numeric ? 'n' : undefined;
  return first
    ? <th scope="row" class={style}>{content}</th>
    : <td class={style}>{content}</td>;
}
