// Checks that the URL of a frame is https on a public host. Wiro fetches it, and must not be directed to private
// networks.

/** What is wrong with a link, or undefined. */
export function imageUrlProblem(text) {
  // Parsers treat backslashes, spaces and missing slashes differently, so another one might find another host.
  const url = /[\p{C}\s\\]/u.test(text) ? null : URL.parse(text);
  if (!url) return 'must be an absolute https URL with an ASCII host name (punycode for others)';
  if (url.protocol !== 'https:') return 'must start with https://';
  if (!/^https:\/\/[\0-\x7f]+?(?:[/?#]|$)/i.test(text)) {
    return 'must be an absolute https URL with an ASCII host name (punycode for others)';
  }
  if (url.username || url.password) return 'must not carry a user name or password';
  return isPublic(url.hostname) ? undefined : 'must name a public host';
}

function isPublic(host) {
  if (host.startsWith('[')) return isPublicIpv6(host.slice(1, -1));
  if (/^[\d.]+$/.test(host)) return isPublicIpv4(host.split('.').map(Number));
  const name = host.replace(/\.+$/, '');
  return name.includes('.') && !/\.(localhost|local|internal|home\.arpa)$/.test(name);
}

/** Outside the special-purpose blocks of the IANA registry. */
function isPublicIpv4([a, b, c]) {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100) return b < 64 || b > 127;
  if (a === 169) return b !== 254;
  if (a === 172) return b < 16 || b > 31;
  if (a === 192) return !(b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99));
  if (a === 198) return b !== 18 && b !== 19 && !(b === 51 && c === 100);
  return !(a === 203 && b === 0 && c === 113);
}

/** Global unicast without its blocks for documentation, protocols and tunnels. */
function isPublicIpv6(host) {
  const [first = '', second = ''] = host.split(':');
  const [a, b] = [Number.parseInt(first || '0', 16), Number.parseInt(second || '0', 16)];
  if (a < 0x2000 || a > 0x3fff || a === 0x2002) return false;
  if (a === 0x2001) return b > 0x01ff && b !== 0x0db8;
  return !(a === 0x3fff && b <= 0x0fff);
}
