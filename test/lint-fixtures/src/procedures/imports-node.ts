// fails: no-restricted-imports
import 'node:os';
