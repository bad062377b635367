// fails: no-restricted-imports
import '../hosts/index.js';
