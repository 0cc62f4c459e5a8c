// Tool/Detail: how Wiro describes a model.

import { clean, type Model, type ModelBook } from '../models.ts';
import { malformed, refusalOf } from './exchange.ts';
import type { Form } from './form.ts';
import { REFUSALS } from './refusals.ts';

export function toolDetail(models: ModelBook, { fields }: Form): object {
  const { slugowner, slugproject } = fields;
  if (!slugowner || !slugproject) throw malformed('Request parameter [slugowner, slugproject] required');
  const model = models.find(`${slugowner}/${slugproject}`);
  // Guess: told only for Run.
  if (!model) throw refusalOf(REFUSALS.modelNotFound);
  const { owner, project, prices } = model;
  const tool = {
    id: '598',
    title: project,
    slugowner: owner,
    slugproject: project,
    cleanslugowner: clean(owner),
    cleanslugproject: clean(project),
    categories: categoriesOf(model),
    // Guess: Wiro's own sample has null, for a model that surely has parameters.
    parameters: model.describes ? [{ title: '', subtitle: '', items: model.items }] : null,
    dynamicprice: JSON.stringify(prices),
    time: '1790174561',
  };
  return { result: true, errors: [], total: '1', tool: [tool] };
}

const CATEGORIES = ['image-to-video', 'text-to-video'];

/** A list, or as the seed has it a list in a text. */
export function categoriesOf({ generation }: Model): string | string[] {
  return generation === 'seed' ? JSON.stringify(CATEGORIES) : CATEGORIES;
}
