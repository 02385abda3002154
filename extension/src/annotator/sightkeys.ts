/** Keys that change what is seen: planes, and all objects away. */

import type { Sight } from './sight';

/** Do what a key says; returns whether it was one of ours. */
export function takeSightKey(event: KeyboardEvent, sight: Sight): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return false;
  }
  switch (event.key) {
    case 'PageUp':
      return sight.step(event.shiftKey ? 't' : 'z', 1);
    case 'PageDown':
      return sight.step(event.shiftKey ? 't' : 'z', -1);
    case 'h':
    case 'H':
      sight.set({ hidesAll: !sight.settings.hidesAll });
      return true;
    default:
      return false;
  }
}
