// fails: no-restricted-imports
import '@clack/prompts';
import 'ms';
import 'pg';
import 'ssh2';
