/** The spec that `init` writes; equal to the one in examples/, held equal by a test. */
export const SPEC_TEMPLATE = `# Moves Posit Package Manager from one server to another. Holds no address and no secret.
kind: package-manager-server
source: ppm-source # names from the inventory
target: ppm-target
approvals:
  voters: [dba-on-call, platform-lead, app-owner]
  votes: 2
  proof: claimed
  gates:
    begin: { votes: 1 }
backup: { kind: verified-copy }
transfer: { limit: 80MiB/s }
target-options: { landing: incoming }
owners: name
`;

/** The inventory that `init` writes; equal to the one in examples/, held equal by a test. */
export const INVENTORY_TEMPLATE = `# How the worker reaches each host and where secrets come from. Read by the worker only (REHOST_INVENTORY).
hosts:
  ppm-source:
    address: 10.0.0.5
    port: 22
    user: rehost
    identityFile: ~/.ssh/rehost
    hostKey: 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' # ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
    peerAddress: 10.0.0.5 # where the target reaches this host
    peerPort: 22
  ppm-target:
    address: 10.0.0.6
    user: rehost
    identityFile: ~/.ssh/rehost
    hostKey: 'SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB'
secrets:
  smtp: { env: SMTP_PASSWORD }
commands: {}
`;
