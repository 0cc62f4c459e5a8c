// The models of the family, each of the generation that Wiro was last seen to describe it in. All figures are made up.
import { DEFAULT_MODEL, type ModelOptions } from './models.ts';

const prices = (short: number, long: number, large: number) =>
  [
    ['768P', '6', short],
    ['768P', '10', long],
    ['1080P', '6', large],
  ].map(([resolution, duration, price]) => ({
    inputs: { resolution, duration },
    price,
    priceMethod: 'cpr',
  }));

export const FAMILY: Record<string, ModelOptions> = {
  [DEFAULT_MODEL]: { generation: 'seed' },
  'minimax/hailuo-2-3-fast': {
    generation: 'combined',
    firstFrame: 'required',
    prompt: 'optional',
    prices: prices(0.19, 0.32, 0.33),
  },
  'MiniMax/image-to-video-hailuo-02': {
    generation: 'fileinput',
    firstFrame: 'required',
    lastFrame: true,
    prices: prices(0.27, 0.52, 0.48),
  },
  'MiniMax/text-to-video-hailuo-02': { generation: 'fileinput', firstFrame: 'none' },
};
