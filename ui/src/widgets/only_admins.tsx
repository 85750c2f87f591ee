/// What stands at the address of a screen that is not for this person.

import { href } from '../lib/state';
import { use_stream } from './stream';
import { Empty } from './widget';

export function OnlyAdmins({ name }: { name: string }) {
  use_stream({ topics: ['system'], on: () => undefined });
  return (
    <>
      <h1 class="sr">{name}</h1>
      <Empty why={`${name} is only for admins of all sites.`}>
        <p>The numbers are on the other screens. <a href={href('/')}>Go to the overview</a></p>
      </Empty>
    </>
  );
}
