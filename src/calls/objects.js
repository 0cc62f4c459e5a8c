// The JavaScript half of objects.rs: a message is sent and its answer read in one call.

export async function sendMessage(namespace, name, message) {
  const response = await namespace
    .getByName(name)
    .fetch('https://object/', { method: 'POST', body: message });
  return response.text();
}
