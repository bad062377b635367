// fails: no-restricted-imports
import '../plan/types.js';
