// The page: submits the form, asks how the video stands until it is final, plays it.

/** @param {string} id */
const find = (id) => /** @type {any} */ (document.getElementById(id));
const STAGES = {
  waiting: 'Waiting to be sent',
  task_queue: 'In the queue',
  task_accept: 'Accepted',
  task_preprocess_start: 'Preparing',
  task_preprocess_end: 'Prepared',
  task_assign: 'A machine is assigned',
  task_start: 'Started',
  task_output: 'Making the video',
  task_output_full: 'Video made',
  task_end: 'Finishing',
  task_postprocess_start: 'Finishing',
  storing: 'Storing',
};

find('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = event.target.querySelector('button');
  button.disabled = true;
  try {
    await show(await submit(new FormData(event.target)));
  } catch (error) {
    say(error.message);
  } finally {
    button.disabled = false;
  }
});

async function submit(form) {
  const [resolution, duration] = form.get('format').split(' ');
  form.delete('format');
  form.set('resolution', resolution);
  form.set('duration', duration);
  return read(await fetch('/v1/videos', { method: 'POST', body: form }));
}

/** The Video, or the problem as an error. */
async function read(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail);
  return { video: body, waitSeconds: Number(response.headers.get('retry-after') ?? 0) };
}

async function show({ video, waitSeconds }) {
  find('result').hidden = false;
  find('player').hidden = find('download').hidden = true;
  find('progress').value = video.progress;
  if (video.status === 'completed') {
    say('Done');
    find('player').src = video.urls.content;
    find('download').href = `${video.urls.content}?download=1`;
    find('player').hidden = find('download').hidden = false;
  } else if (video.error) {
    say(video.error.message);
  } else if (video.status === 'cancelled') {
    say('Cancelled');
  } else {
    say(STAGES[video.stage] ?? video.stage);
    await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000));
    await show(await read(await fetch(video.urls.self)));
  }
}

function say(text) {
  find('result').hidden = false;
  find('stage').textContent = text;
}
