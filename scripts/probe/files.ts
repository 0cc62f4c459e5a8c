// Tests Wiro's files: creates a folder and uploads an image of one pixel.
import { randomBytes } from 'node:crypto';
import { gradientPng } from '../shared/gradient.ts';
import type { Calls } from './calls.ts';
import { askCrate, type Form, type Result } from './crate.ts';
import type { Report } from './report.ts';

export async function probeFiles(calls: Calls, report: Report): Promise<void> {
  const name = `hailuo-worker-probe-${randomBytes(4).toString('hex')}`;
  report.redactor.add(name);
  const { folder: body } = await askCrate<{ folder: string }>({ do: 'bodies', folder_name: name });
  const http = await calls.json('/File/FolderCreate', body);
  const folder = await askCrate<Result<string>>({ do: 'read_folder', http });
  report.say('');
  if ('Ok' in folder) {
    report.say('FolderCreate: a folder was made');
    if (await upload(folder.Ok, 'into the folder', calls, report)) return;
    report.differs('an upload into the folder is refused; the file is uploaded without one');
  } else {
    report.say(`FolderCreate: refused (${folder.Err})`);
    report.differs(`FolderCreate is refused: ${folder.Err}; files are uploaded without a folder`);
  }
  if (!(await upload('', 'without a folder', calls, report))) {
    report.fails('File/Upload does not work: POST /v1/files will fail');
  }
}

async function upload(folder: string, where: string, calls: Calls, report: Report): Promise<boolean> {
  const { upload: form } = await askCrate<{ upload: Form }>({ do: 'bodies', folder });
  const picture = gradientPng(1, 1);
  const http = await calls.form('/File/Upload', form, picture);
  const file = await askCrate<Result<{ url: string; size: number | null }>>({ do: 'read_upload', http });
  if ('Err' in file) {
    report.say(`File/Upload ${where}: refused (${file.Err})`);
    if (file.Err.includes('without a URL')) report.differs('the answer to File/Upload has no url');
    return false;
  }
  const { url, size } = file.Ok;
  report.say(`File/Upload ${where}: ${size ?? 'unknown number of'} bytes at ${url}`);
  if (size === null) report.differs('the answer to File/Upload has no size');
  else if (size !== picture.length) report.differs(`File/Upload told ${size} bytes of ${picture.length}`);
  return true;
}
