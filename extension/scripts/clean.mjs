// Removes what a build makes, so that no file of an earlier one is shipped.
import { rmSync } from 'node:fs';

for (const folder of ['lib', 'labkit_lab/labextension']) {
  rmSync(new URL(`../${folder}`, import.meta.url), {
    recursive: true,
    force: true
  });
}
