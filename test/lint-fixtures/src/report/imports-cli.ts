// fails: no-restricted-imports
import '../cli/output.js';
