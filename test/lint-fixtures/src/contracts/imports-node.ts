// fails: no-restricted-imports
import 'node:crypto';
