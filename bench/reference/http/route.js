// Which flow a request asks for.
import { methodNotAllowed, notFound } from './errors.js';

/** @returns {{ flow: string, parameters: string[] }} */
export function route(method, path) {
  const [first, second, third, fourth, ...more] = path.slice(1).split('/');
  if (more.length > 0 || (path.length > 1 && path.endsWith('/')) || path.includes('//')) throw nothingHere();
  if (first === 'health' && second === undefined) return allowed(method, { GET: 'health', HEAD: 'health' });
  if (first === 'v1' && second === 'videos') {
    if (third === undefined) return allowed(method, { GET: 'list', HEAD: 'list', POST: 'submit' });
    if (fourth === undefined) return allowed(method, { GET: 'status', HEAD: 'status' }, third);
    if (fourth === 'content') return allowed(method, { GET: 'content', HEAD: 'content' }, third);
  }
  if (first === 'hooks' && second === 'wiro' && third !== undefined && fourth !== undefined) {
    return allowed(method, { POST: 'wiroCallback' }, third, fourth);
  }
  throw nothingHere();
}

function allowed(method, flows, ...parameters) {
  const flow = flows[method];
  if (!flow) throw methodNotAllowed(Object.keys(flows).join(', '));
  return { flow, parameters };
}

const nothingHere = () => notFound('There is nothing at this path.');
