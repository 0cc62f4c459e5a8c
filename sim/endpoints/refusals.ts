// Wiro's refusals in its own words: from its documentation, its tools and real responses. The simulator uses them,
// and tests script them: `run: [REFUSALS.ipNotAllowed]`.
import type { ErrorItem, Refusal } from '../faults.ts';

export const REFUSALS = {
  // The parameters of a Run.
  parameterRequired: refusal(0, 'Request parameter [prompt] required'),
  parameterNotNumber: refusal(0, 'Request parameter [duration] must be integer or float'),
  parameterOutOfRange: refusal(0, 'Request parameter [duration] must be between 6 and 10'),
  fileRequired: refusal(0, 'Request files [inputImage] required'),
  parametersInvalid: refusal(0, 'Request parameters are invalid.'),
  invalidParameters: refusal(0, 'invalid-parameters'),

  // The account.
  suspended: refusal(
    0,
    'Your account has been suspended. Please contact support if you believe this is a mistake.',
  ),
  permission: refusal(0, "You don't have any permission for this action."),
  /** The key is of no project. */
  keyNotFound: refusal(0, 'Project authorization is not founded.', 401),
  signatureRequired: refusal(
    0,
    'Project requires signature authentication. x-signature and x-nonce headers are required.',
    401,
  ),
  invalidSignature: refusal(0, 'Project authorization is not valid.', 401),
  ipNotAllowed: refusal(0, 'Requested ip 203.0.113.7 is not allowed.', 401),
  bearerInvalid: refusal(0, 'Authorization bearer token is invalid.'),
  /** The documentation gives 401; other answers of this code came with 200. */
  tokenInvalid: refusal(99, 'Authorization bearer token expired.', 401),
  signInRequired: refusal(98, 'sign in to run this model'),
  concurrency: refusal(
    96,
    'You have reached your concurrent task limit. With your current balance of $12.34, you can run up to 1 tasks at ' +
      'the same time. Add funds to increase your limit.',
  ),
  balance: refusal(97, 'Insufficient balance'),

  // The model and the endpoint.
  toolNotAccessible: refusal(1, 'tool-not-accessible'),
  modelNotFound: refusal(1, 'slug-owner-project-not-exist'),
  urlNotParsed: refusal(0, 'Error parsing url.', 404),

  // A task.
  identifierRequired: refusal(0, 'taskid or socketaccesstoken is required'),
  /** The same of Task/InputOutputDelete. Guess: the code. */
  tokenRequired: refusal(1, 'taskid or socketaccesstoken is required'),
  taskNotFound: refusal(1, 'There is no task yet.'),
  /** A bare text in place of an object. */
  taskNotFounded: bare('task-not-founded'),
  /** Guess: the code. */
  taskNotExist: refusal(1, 'task-not-exist'),
  notCancellable: refusal(1, 'Task is not in a cancellable state.'),
  // Guess: the reason. Only "Task could not be killed: {reason}" is documented.
  notKillable: refusal(1, 'Task could not be killed: it is not running'),
  /** Guess: the code. */
  notEnded: refusal(1, 'Task must be completed or cancelled before deleting files'),
} as const satisfies Record<string, Refusal>;

function refusal(code: number, message: string, status = 200): Refusal {
  return withErrors(status, [{ code, message }]);
}

function bare(message: string): Refusal {
  return withErrors(200, [message]);
}

function withErrors(status: number, errors: ErrorItem[]): Refusal {
  return { kind: 'refusal', status, errors };
}
