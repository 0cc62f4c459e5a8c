// What Wiro tells of a model, without a price: PRICES_USD has those. Nothing else is asked of it here.

export async function answerAsWiro(input: RequestInfo | URL): Promise<Response> {
  const url = input instanceof Request ? input.url : String(input);
  if (!url.endsWith('/Tool/Detail')) throw new Error(`nothing answers ${url}`);
  const tool = {
    id: '598',
    title: 'hailuo',
    slugowner: 'minimax',
    slugproject: 'hailuo-2-3',
    cleanslugowner: 'minimax',
    cleanslugproject: 'hailuo-2-3',
    categories: ['text-to-video'],
    parameters: null,
    dynamicprice: '[]',
    time: '1790174561',
  };
  return Response.json({ result: true, errors: [], total: '1', tool: [tool] });
}
