// What can go wrong with a request, as application/problem+json (RFC 9457).

export class ApiError extends Error {
  constructor(status, code, title, detail, { headers = {}, errors = [] } = {}) {
    super(detail);
    Object.assign(this, { status, code, title, headers, errors });
  }
}

export const invalidRequest = (detail) =>
  new ApiError(400, 'invalid_request', 'The request cannot be read', detail);

export function invalidParameter(errors) {
  const detail = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
  return new ApiError(400, 'invalid_parameter', 'Some fields are not valid', detail, { errors });
}

export const notFound = (detail) => new ApiError(404, 'not_found', 'Not found', detail);

export const noSuchVideo = () => notFound('There is no such video.');

export const methodNotAllowed = (allow) =>
  new ApiError(405, 'method_not_allowed', 'Method not allowed', `This path answers ${allow}.`, {
    headers: { allow },
  });

export const notReady = (retryAfter) =>
  new ApiError(409, 'not_ready', 'Not ready yet', 'The video is still being made.', {
    headers: { 'retry-after': `${retryAfter}` },
  });

export const unauthorized = (detail) =>
  new ApiError(401, 'unauthorized', 'Unauthorized', detail, { headers: { 'www-authenticate': 'Bearer' } });

export const originNotAllowed = () =>
  new ApiError(
    403,
    'origin_not_allowed',
    'Origin not allowed',
    'Pages of this origin may not use this service.',
  );

export const payloadTooLarge = (detail) => new ApiError(413, 'payload_too_large', 'Too large', detail);

export const unsupportedMediaType = (detail) =>
  new ApiError(415, 'unsupported_media_type', 'Unsupported media type', detail);

export const rangeNotSatisfiable = (size) =>
  new ApiError(416, 'range_not_satisfiable', 'Range not satisfiable', `The file has ${size} bytes.`, {
    headers: { 'content-range': `bytes */${size}` },
  });

export const keyReused = () =>
  new ApiError(
    422,
    'idempotency_key_reused',
    'Idempotency key reused',
    'This Idempotency-Key came with another request before; use a new one.',
  );

export const refusedParameters = (message) =>
  new ApiError(422, 'invalid_parameter', 'The model refused the parameters', message);

export const upstreamUnavailable = (retryAfter) =>
  new ApiError(
    503,
    'upstream_unavailable',
    'Upstream unavailable',
    'The upstream does not take this at the moment. No video was started; try again later.',
    { headers: { 'retry-after': `${retryAfter}` } },
  );

const internal = () =>
  new ApiError(
    500,
    'internal',
    'Internal error',
    'Something went wrong here; the request id finds it in the log.',
  );

/** The answer to a request that failed; of what is no ApiError only the log is told. */
export function problem(failure, requestId) {
  const { status, code, title, message, headers, errors } =
    failure instanceof ApiError ? failure : internal();
  const type =
    { 401: 'authentication_error', 429: 'rate_limit_error' }[status] ??
    (status >= 500 ? 'server_error' : 'invalid_request_error');
  const error = { message, type, param: errors[0]?.field ?? null, code };
  const body = {
    type: 'about:blank',
    title,
    status,
    detail: message,
    code,
    request_id: requestId,
    errors,
    error,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status >= 500 || status === 429 ? {} : { 'x-should-retry': 'false' }),
      ...headers,
    },
  });
}
