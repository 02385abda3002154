/** Scales from values to places, with round ticks. */

/** A scale from values to pixels, with the places of its ticks. */
export interface IScale {
  readonly low: number;
  readonly high: number;
  readonly ticks: ReadonlyArray<number>;
  /** From 0 (low) to 1 (high). */
  at(value: number): number;
}

export function linearScale(
  low: number,
  high: number,
  wantedTicks: number,
  isWhole = false
): IScale {
  if (!(high > low)) {
    const room = Math.abs(low) * 0.1 || 1;
    return linearScale(low - room, low + room, wantedTicks, isWhole);
  }
  const step = niceStep((high - low) / wantedTicks, isWhole);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, k) =>
    rounded((first + k) * step)
  );
  return { low, high, ticks, at: value => (value - low) / (high - low) };
}

/** As `linearScale`, but up to the next tick. */
export function roundScale(
  low: number,
  high: number,
  wantedTicks: number
): IScale {
  const step = niceStep((high - low || 1) / wantedTicks, false);
  return linearScale(low, Math.ceil(high / step - 1e-9) * step, wantedTicks);
}

/** Powers of ten, and where there are few of them their double and fivefold too. */
export function logScale(low: number, high: number): IScale {
  const from = Math.log10(low);
  const to = Math.max(Math.log10(high), from + 0.1);
  const factors = to - from > 3 ? [1] : to - from > 1.2 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(from); power <= Math.ceil(to); power += 1) {
    for (const factor of factors) {
      const tick = rounded(factor * 10 ** power);
      const place = Math.log10(tick);
      if (place >= from - 1e-9 && place <= to + 1e-9) {
        ticks.push(tick);
      }
    }
  }
  return {
    low,
    high: 10 ** to,
    ticks,
    at: value => (Math.log10(value) - from) / (to - from)
  };
}

function niceStep(rough: number, isWhole: boolean): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find(one => one * power >= rough) ?? 10;
  return isWhole ? Math.max(1, factor * power) : factor * power;
}

/** Without the noise of binary fractions. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}
