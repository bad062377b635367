// fails: no-restricted-imports
import '../contracts/index.js';
