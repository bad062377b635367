// fails: no-restricted-imports
import '../../../lab/lab.js';
