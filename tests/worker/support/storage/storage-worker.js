// Calls a method of KV or R2, as bindings.ts asks.
const described = ({ key, size, httpEtag, httpMetadata, customMetadata }) => {
  return { key, size, httpEtag, httpMetadata, customMetadata };
};
const isObject = (value) => value !== null && typeof value === 'object' && 'httpEtag' in value;

async function answer([name, method, ...args], env) {
  const result = await env[name][method](...args);
  if (isObject(result) && result.body) {
    const headers = { 'x-object': encodeURIComponent(JSON.stringify(described(result))) };
    return new Response(result.body, { headers });
  }
  if (isObject(result)) return Response.json(described(result));
  if (result?.objects) return Response.json({ ...result, objects: result.objects.map(described) });
  return Response.json(result ?? null);
}

export default {
  async fetch(request, env) {
    try {
      return await answer(await request.json(), env);
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};
