/** Every member of an outcome that a later step of a server move's plan refers to; for Activities that do nothing. */
export const FOUND = {
  publicKey: 'ssh-ed25519 AAAA',
  active: true,
  enabled: true,
  incoming: '/srv/ppm/.incoming/data',
  path: '/var/lib/rehost/record',
  digest: 'd'.repeat(64),
  liveInode: '11',
  incomingInode: '12',
};
