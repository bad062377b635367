// fails: no-restricted-imports
import 'node:path';
