/// Send an event and see when it counts; ask a question and see the answer.

import { use_stream, use_system } from '../widgets/stream';
import { remember_sample } from '../widgets/stream';
import type { System } from '../lib/api';
import { AskForm } from './try_ask';
import { SendForm } from './try_send';

export function TryScreen() {
  const system = use_system();
  use_stream({
    topics: ['system'],
    on: (name, data) => {
      if (name !== 'system') return;
      remember_sample(data as System);
      system.set(data as System);
    },
  });
  return (
    <>
      <h1 class="sr">Try</h1>
      <SendForm system={system} />
      <AskForm />
    </>
  );
}
