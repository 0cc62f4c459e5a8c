// The page's main flow in a browser: submit a prompt, watch the video being made, play it, seek in it.
import { strict as assert } from 'node:assert';
import type { RemoteBrowser } from './remote-browser.ts';

const PROMPT = 'A paper boat drifts down a rainy street';
const PLAYER = "document.querySelector('#player')";
const SEEK_TO_SECONDS = 4;

export async function pageFlow(browser: RemoteBrowser, origin: string): Promise<void> {
  await browser.open(origin);
  await browser.type('#prompt', PROMPT);
  await browser.evaluate(NOTE_STAGES);
  await browser.click('#send');
  const stages = await browser.evaluate<string[]>(UNTIL_DONE);
  assert(stages.length > 2, `only ${stages.join(', ')} was shown`);
  assert.equal(await browser.evaluate("document.querySelector('#stage-prompt').textContent"), PROMPT);
  assert(await browser.evaluate(PLAYS), 'the video does not play');
  const soughtTo = await browser.evaluate<number>(SEEKS);
  assert(Math.abs(soughtTo - SEEK_TO_SECONDS) < 0.1, `the video is at ${soughtTo} s`);
}

/** Keeps each text that the stage has shown. */
const NOTE_STAGES = `(() => {
  const stage = document.querySelector('#stage');
  window.stages = [];
  new MutationObserver(() => {
    const text = stage.textContent;
    if (window.stages.at(-1) !== text) window.stages.push(text);
    window.dispatchEvent(new Event('stage'));
  }).observe(stage, { childList: true, characterData: true, subtree: true });
})()`;

const UNTIL_DONE = `new Promise((resolve, reject) => {
  const look = () => {
    const last = window.stages.at(-1);
    if (last === 'Done') resolve(window.stages);
    else if (last === 'Failed') reject(new Error(window.stages.join(', ')));
  };
  window.addEventListener('stage', look);
  look();
})`;

const PLAYS = `(async () => {
  const player = ${PLAYER};
  player.muted = true;
  await player.play();
  await new Promise((resolve) => player.addEventListener('timeupdate', () => player.currentTime > 0.2 && resolve()));
  return player.videoWidth > 0;
})()`;

const SEEKS = `(async () => {
  const player = ${PLAYER};
  player.pause();
  const sought = new Promise((resolve) => player.addEventListener('seeked', resolve, { once: true }));
  player.currentTime = ${SEEK_TO_SECONDS};
  await sought;
  return player.currentTime;
})()`;
