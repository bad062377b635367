// fails: no-restricted-imports
import 'ssh2';
