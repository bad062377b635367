// fails: no-restricted-imports
import '../failures.js';
