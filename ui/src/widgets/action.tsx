/// Something that a person has the node do, and why it was not done.

import { type Signal, useSignal } from '@preact/signals';
import { type Problem, problem_from } from '../lib/api';

/// Something that is done once at a time: whether it runs, and why it failed.
export interface Action {
  busy: Signal<boolean>;
  problem: Signal<Problem | null>;
  run(work: () => Promise<void>): Promise<void>;
}

export function use_action(): Action {
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const run = async (work: () => Promise<void>) => {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      await work();
    } catch (error) {
      problem.value = problem_from(error);
    }
    busy.value = false;
  };
  return { busy, problem, run };
}

export function Wrong({ action }: { action: Action }) {
  const problem = action.problem.value;
  if (!problem) return null;
  return (
    <p class="bad wrong" role="alert">
      <span aria-hidden="true">▲ </span>{problem.detail}</p>
  );
}
