// fails: no-restricted-imports
import 'node:fs';
