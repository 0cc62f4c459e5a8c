// Connections on the loopback interface, as Linux counts them.
import { readFileSync } from 'node:fs';

const ESTABLISHED = '01';

/** How many of the clients at these ports the server still holds. A client that does not read notices no end. */
export function connectionsHeld(serverPort: number, clientPorts: number[]): number {
  const clients = new Set(clientPorts);
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return lines.filter((line) => {
    const [, local, remote, state] = line.trim().split(/\s+/);
    return portOf(local) === serverPort && clients.has(portOf(remote)) && state === ESTABLISHED;
  }).length;
}

/** Of an address like `0100007F:1F90`. */
function portOf(address = ''): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}
