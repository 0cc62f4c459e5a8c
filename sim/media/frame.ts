// The wire format of a socket message, in the chosen edition of Wiro's documentation.

import type { SimTask, TaskEvent } from '../endpoints/task.ts';
import type { SocketFault } from '../faults.ts';
import { isProgress, isTerminal, type Message } from '../lifecycle.ts';
import type { SocketEdition } from '../options.ts';

const BAR_CHARS = 30;

export function frame(task: SimTask, event: TaskEvent, edition: SocketEdition): string {
  const { type, message } = event;
  const { id, token } = task;
  if (edition === '2025') return JSON.stringify({ type, id, tasktoken: token, message, result: true });
  const isFull = type.endsWith('_full');
  return JSON.stringify({ type, id, message: isFull ? '' : message, result: true, ...ending(task, type) });
}

function ending(task: SimTask, type: string) {
  if (type === 'task_postprocess_end')
    return { success: task.succeeded, terminal: true, exitCode: Number(task.pexit) };
  // Guess: only the end of a task that was not cancelled is documented.
  if (isTerminal(type)) return { success: false, terminal: true, exitCode: null };
  return { success: null, terminal: false, exitCode: null };
}

/** How a fault has progress told; every other message stays as it is. */
export function reshaped(event: TaskEvent, fault: SocketFault | undefined): TaskEvent {
  const { message } = event;
  return isProgress(message) ? { ...event, message: progress(message, fault) } : event;
}

function progress(message: Record<string, unknown>, fault: SocketFault | undefined): Message {
  const percent = Number(message.percentage);
  switch (fault) {
    case 'decimals':
      return { ...message, percentage: percent < 100 ? `${percent + 2.5}` : '100.0' };
    case 'jsonText':
      return JSON.stringify({ percentage: percent, stepCurrent: Number(message.stepCurrent) });
    case 'lines': {
      const bar = '='.repeat((BAR_CHARS * percent) / 100).padEnd(BAR_CHARS, '-');
      return `Video Process Status: Processing: [${bar}] ${percent.toFixed(1)}%`;
    }
    default:
      return message;
  }
}
