// The models that the server offers: their formats, prices, and which frames they take. Where it does not tell, the
// page offers what it was made for, without prices.
import { health } from './human.js';
import { access } from './token.js';

/**
 * `resolution` and `duration` are undefined if the model offers no choice; `price` is in US dollars, if known.
 * @typedef {{ resolution: string | undefined, duration: number | undefined, price: string | undefined }} Format
 */
/**
 * `id`: '' for the default model of the server.
 * @typedef {{ id: string, formats: Format[], firstFrame: 'optional' | 'required' | 'none', hasLastFrame: boolean,
 *   isPromptOptional: boolean, maxChars: number }} Model
 */

const PRICE = /^\d{1,6}(\.\d{1,12})?$/;

/** @type {Model} */
export const BUILT_IN = {
  id: '',
  formats: [
    { resolution: '768P', duration: 6, price: undefined },
    { resolution: '768P', duration: 10, price: undefined },
    { resolution: '1080P', duration: 6, price: undefined },
  ],
  firstFrame: 'optional',
  hasLastFrame: false,
  isPromptOptional: false,
  maxChars: 2000,
};

/** The offered models, at least one, the server's default first. @returns {Promise<Model[]>} */
export async function offeredModels() {
  const { token } = access();
  // Without a token such a server does not list its models.
  if (!token && (await health()).protection === 'tokens') return [BUILT_IN];
  try {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    // The body of an error is read too; otherwise the request would stay pending.
    const { data } = Object(await (await fetch('/v1/models', { headers })).json());
    const models = Array.isArray(data) ? data.flatMap(modelOf) : [];
    return models.length > 0 ? models : [BUILT_IN];
  } catch {
    return [BUILT_IN];
  }
}

/** An empty list for malformed values. @param {unknown} value @returns {Model[]} */
function modelOf(value) {
  const { id, capabilities, prices_usd } = Object(value);
  const { combinations, first_frame, last_frame, prompt, prompt_max_chars } = Object(capabilities);
  if (typeof id !== 'string' || id === '' || !Array.isArray(combinations)) return [];
  const formats = combinations.flatMap((combination) => {
    if (!Array.isArray(combination) || combination.length !== 2) return [];
    const [resolution, duration] = combination.map((part) => part ?? undefined);
    if (resolution !== undefined && !/^\w+$/.test(resolution)) return [];
    if (duration !== undefined && !Number.isFinite(duration)) return [];
    const price = Object(prices_usd)[`${resolution ?? ''}/${duration ?? ''}`];
    return [{ resolution, duration, price: PRICE.test(price) ? `${price}` : undefined }];
  });
  if (formats.length === 0) return [];
  return [
    {
      id,
      formats,
      firstFrame: first_frame === 'required' || first_frame === 'none' ? first_frame : 'optional',
      hasLastFrame: last_frame === true,
      isPromptOptional: prompt === 'optional' || prompt === 'none',
      maxChars: prompt_max_chars > 0 ? prompt_max_chars : BUILT_IN.maxChars,
    },
  ];
}
