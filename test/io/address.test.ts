import { describe, expect, test } from "vitest";
import { isAddress, isPublicAddress } from "../../src/io/address.js";

const CLOSED = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "100.64.0.1",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.255.254",
  "168.63.129.16",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.192",
  "192.0.2.1",
  "192.168.1.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "[::1]",
  "0:0:0:0:0:0:0:1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:a9fe:a9fe",
  "::127.0.0.1",
  "64:ff9b::127.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::8.8.8.8",
  "fe80::1",
  "fe80::1%eth0",
  "fc00::1",
  "fd00:ec2::254",
  "ff02::1",
  "2001:db8::1",
  "2001::1",
  "2002:7f00:1::",
  "3fff::1",
  "100::1",
];
const PUBLIC = [
  "1.1.1.1",
  "8.8.8.8",
  "100.63.255.255",
  "100.128.0.0",
  "172.32.0.1",
  "168.63.129.17",
  "2606:4700::1111",
  "[2a00:1450:4001::200e]",
  "::ffff:8.8.8.8",
  "64:ff9b::8.8.8.8",
  "2001:4860:4860::8888",
  "3fff:1000::1",
];

describe("addresses", () => {
  test.each(CLOSED)("%s is not public (reliability row 84)", (address) => {
    expect(isPublicAddress(address)).toBe(false);
    expect(isAddress(address)).toBe(true);
  });

  test.each(PUBLIC)("%s is public", (address) => expect(isPublicAddress(address)).toBe(true));

  test.each([
    "",
    "localhost",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4.5",
    "::1::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "1::2:3:4:5:6:7:8",
    ":1",
    "g::",
    "1.2.3.4::",
    "::".repeat(40),
  ])("%j is no address, and so not public", (text) => {
    expect(isAddress(text)).toBe(false);
    expect(isPublicAddress(text)).toBe(false);
  });
});
