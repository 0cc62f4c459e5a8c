// The fields of a submit, checked all at once; both body formats arrive as a list of names and values.

import { imageUrlProblem } from '../pure/image-url.js';
import { invalidParameter } from './errors.js';

const MAX_PROMPT_CHARS = 2000;
const MAX_URL_CHARS = 2048;
const MAX_NAME_CHARS = 64;

const isFile = (value) => typeof value === 'object' && value !== null && 'content_type' in value;
const isEmpty = (value) => value === null || value === '';

/** Each sets its member of the input, or says what is wrong. */
const CHECKS = {
  prompt(input, value) {
    if (typeof value !== 'string') return 'must be a string';
    if (value.trim() === '') return `must not be empty: 1 to ${MAX_PROMPT_CHARS} characters`;
    const length = characters(value);
    if (length > MAX_PROMPT_CHARS) return `has ${length} characters; the limit is ${MAX_PROMPT_CHARS}`;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/.test(value)) {
      return 'must not hold control characters other than tab and line breaks';
    }
    input.prompt = value;
  },
  promptOptimizer(input, value) {
    const text = typeof value === 'string' ? value.toLowerCase() : value;
    if (![true, false, 'true', 'false'].includes(text)) return 'must be true or false';
    input.promptOptimizer = `${text}` === 'true';
  },
  resolution(input, value) {
    if (!['768P', '1080P'].includes(value)) return 'must be 768P or 1080P';
    input.resolution = value;
  },
  duration(input, value) {
    if (![6, 10, '6', '10'].includes(value)) return 'must be 6 or 10 (seconds)';
    input.duration = Number(value);
  },
  inputImageFirst(input, value) {
    if (isEmpty(value)) return;
    if (!isFile(value)) return 'must be a file in multipart/form-data; for a link use inputImageFirstUrl';
    input.inputImageFirst = value;
  },
  inputImageFirstUrl(input, value) {
    if (isEmpty(value)) return;
    if (typeof value !== 'string') return 'must be a string';
    const length = characters(value);
    if (length > MAX_URL_CHARS) return `has ${length} characters; the limit is ${MAX_URL_CHARS}`;
    const problem = imageUrlProblem(value);
    if (problem) return problem;
    input.inputImageFirstUrl = value;
  },
};

const NAMES = [
  ...Object.keys(CHECKS),
  'model',
  'seconds',
  'size',
  'input_reference',
  'metadata',
  'callback_url',
];

/** @param {[string, unknown][]} fields */
export function validate(fields) {
  const input = {
    prompt: '',
    promptOptimizer: true,
    resolution: '768P',
    duration: 6,
    inputImageFirst: null,
    inputImageFirstUrl: null,
  };
  const errors = [];
  const wrong = (field, message) =>
    errors.push({ field: [...field].slice(0, MAX_NAME_CHARS).join(''), message });
  const seen = new Set();
  for (const [name, value] of fields) {
    const problem = seen.has(name) ? 'is given more than once' : check(input, name, value);
    if (problem) wrong(name, problem);
    seen.add(name);
  }
  if (!seen.has('prompt')) wrong('prompt', 'is required: 1 to 2000 characters');
  if (input.duration === 10 && input.resolution === '1080P') {
    wrong('duration', '10 seconds are made in 768P only; 1080P makes 6');
  }
  if (input.inputImageFirst && input.inputImageFirstUrl) {
    wrong('inputImageFirstUrl', 'give inputImageFirst or inputImageFirstUrl, not both');
  }
  if (errors.length > 0) throw invalidParameter(errors);
  return input;
}

function check(input, name, value) {
  if (!Object.hasOwn(CHECKS, name)) {
    return isFile(value) ? 'must not be a file' : `is not a field; the fields are ${NAMES.join(', ')}`;
  }
  if (isFile(value) && name !== 'inputImageFirst') return 'must not be a file';
  return CHECKS[name](input, value);
}

/** Not of surrogates: a pair is one. */
function characters(text) {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
