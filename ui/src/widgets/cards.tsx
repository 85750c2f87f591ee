/// The row of large numbers.

import type { ComponentChildren } from 'preact';
import type { Resource } from '../lib/resource';
import { age } from '../lib/format';
import { live } from '../lib/live';
import { now } from '../lib/state';
import { as_of_ms, is_stale } from './widget';

export function Cards({ children }: { children: ComponentChildren }) {
  return <div class="cards">{children}</div>;
}

interface CardProps<T> {
  title: string;
  res: Resource<T>;
  children: (data: T) => ComponentChildren;
  /// Whether the number is not known: then there is no card, and never a 0.
  absent?: (data: T) => boolean;
  /// What keeps the number from moving, or from being known; '' while nothing does.
  fault?: (data: T) => string;
}

export function Card<T>({ title, res, children, absent, fault }: CardProps<T>) {
  const data = res.data.value;
  const told = data === null ? '' : fault?.(data) ?? '';
  if (data !== null && !told && absent?.(data)) return null;
  const problem = res.problem.value;
  return (
    <div class="card" role="group" aria-label={title}>
      <h2>{title}</h2>
      {data !== null
        ? (
          <div class={`card-body ${is_stale(res) ? 'dim' : ''}`}>
            {!(told && absent?.(data)) && children(data)}
            {told && <small class="bad"><span aria-hidden="true">▲ </span>{told}</small>}
            {is_stale(res) && (
              <small class="stale"><span aria-hidden="true">□ </span>
                {problem && live.state.value !== 'lost'
                  ? problem.detail : age(as_of_ms(res), now.value)}</small>
            )}
          </div>
        )
        : problem
          ? <small class="bad"><span aria-hidden="true">▲ </span>{problem.detail}</small>
          : <div class="card-body skeleton-late" />}
    </div>
  );
}
