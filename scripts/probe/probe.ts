// All steps of a probe in their order.
import { Calls } from './calls.ts';
import { probeFiles } from './files.ts';
import { makeVideo } from './follow.ts';
import { probeAccess } from './list.ts';
import { type ProbedModel, probeModel } from './model.ts';
import { Redactor } from './redact.ts';
import { Report } from './report.ts';
import type { ProbeSettings } from './settings.ts';

/** Returns the exit code: 1 if something does not work. */
export async function probe(settings: ProbeSettings, print: (line: string) => void): Promise<number> {
  const report = new Report(new Redactor([settings.key, settings.secret]), print);
  const calls = new Calls(settings, report);
  report.say(`Wiro at ${new URL(settings.apiUrl).host}`);
  if (await probeAccess(calls, settings, report)) {
    const models: ProbedModel[] = [];
    for (const slug of settings.models) models.push(await probeModel(slug, calls, settings, report));
    await probeFiles(calls, report);
    const [model] = models;
    if (settings.run && model) await makeVideo(model, calls, settings, report);
  }
  return report.finish(settings.file);
}
