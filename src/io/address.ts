/** Blocks of IPv4 that are not the public internet, as `[first address, prefix length]`. @see RFC 6890 and its registry */
const CLOSED_V4: readonly (readonly [address: string, bits: number])[] = [
  ["0.0.0.0", 8], // this network
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // carrier-grade NAT
  ["127.0.0.0", 8],
  ["168.63.129.16", 32], // a cloud's wire server, inside a public block
  ["169.254.0.0", 16], // link-local, metadata services
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
];

/**
 * Tells whether an IP address is on the public internet: the only kind that a request may reach by default.
 *
 * Loopback, private, link-local, carrier-grade NAT, documentation, multicast, unspecified and reserved blocks are not; neither is
 * an IPv6 address that carries such an IPv4 address (mapped, NAT64), nor one of a tunnel (6to4, Teredo). What is no address at all
 * is not public.
 *
 * @param address - as a resolver or `URL.hostname` writes it: dotted IPv4, or IPv6 with or without brackets and zone
 */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const v4 = ipv4Of(bare);
  if (v4 !== undefined) return isPublicV4(v4);
  const groups = groupsOf(bare);
  return groups !== undefined && isPublicV6(groups);
}

/** Tells whether a text is an IP address in one of the spellings of {@link isPublicAddress}. */
export function isAddress(text: string): boolean {
  const bare = text.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  return ipv4Of(bare) !== undefined || groupsOf(bare) !== undefined;
}

function isPublicV4(address: number): boolean {
  return !CLOSED_V4.some(([first, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor((ipv4Of(first) ?? 0) / size);
  });
}

function isPublicV6(groups: readonly number[]): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const embedded = g * 65_536 + h;
  const isZero = (...members: readonly number[]): boolean => members.every((member) => member === 0);
  if (isZero(a, b, c, d, e) && f === 0xffff) return isPublicV4(embedded);
  if (a === 0x64 && b === 0xff9b && isZero(c, d, e, f)) return isPublicV4(embedded);
  if (a < 0x2000 || a > 0x3fff) return false; // only 2000::/3 is global unicast
  if (a === 0x2001) return b >= 0x200 && b !== 0xdb8; // protocol assignments with Teredo, documentation
  return a !== 0x2002 && !(a === 0x3fff && b < 0x1000); // 6to4, documentation
}

function ipv4Of(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** The eight groups of an IPv6 address; `undefined` for anything else. */
function groupsOf(text: string): readonly number[] | undefined {
  if (text.length > 45 || !/^[0-9a-fA-F:.]*$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  // only the end may be written as dotted IPv4
  const [left, right] = halves.map((half, index) => halfOf(half, index === halves.length - 1));
  if (left === undefined) return undefined;
  if (halves.length === 1) return left.length === 8 ? left : undefined;
  if (right === undefined || left.length + right.length > 7) return undefined;
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

function halfOf(half: string, isEnd: boolean): readonly number[] | undefined {
  if (half === "") return [];
  const groups: number[] = [];
  const words = half.split(":");
  for (const [index, word] of words.entries()) {
    const v4 = isEnd && index === words.length - 1 ? ipv4Of(word) : undefined;
    if (v4 !== undefined) groups.push(Math.floor(v4 / 65_536), v4 % 65_536);
    else if (/^[0-9a-fA-F]{1,4}$/.test(word)) groups.push(Number.parseInt(word, 16));
    else return undefined;
  }
  return groups;
}
