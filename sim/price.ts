// The price list, as `POST /Tool/Detail` publishes it and as tasks are charged by it.
import { ApiError, malformed } from './exchange.ts';
import type { Form } from './form.ts';

/** US dollars for one video. */
const PRICES = [
  { resolution: '768P', duration: '6', price: 0.28 },
  { resolution: '768P', duration: '10', price: 0.56 },
  { resolution: '1080P', duration: '6', price: 0.49 },
];

export function priceOf(resolution: string, duration: string): number {
  return PRICES.find((entry) => entry.resolution === resolution && entry.duration === duration)?.price ?? 0;
}

/** The answer of Tool/Detail for the one model there is. */
export function toolDetail(model: string, { fields }: Form): object {
  const { slugowner, slugproject } = fields;
  if (!slugowner || !slugproject) throw malformed('Request parameter [slugowner, slugproject] required');
  if (`${slugowner}/${slugproject}` !== model) throw new ApiError('Tool not found or not accessible');
  const dynamicPrice = PRICES.map(({ price, ...inputs }) => ({ inputs, price, priceMethod: 'cpr' }));
  const tool = {
    id: '598',
    title: 'hailuo-2.3',
    slugowner,
    slugproject,
    categories: '["image-to-video","text-to-video"]',
    dynamicprice: JSON.stringify(dynamicPrice),
  };
  return { result: true, errors: [], total: '1', tool: [tool] };
}
