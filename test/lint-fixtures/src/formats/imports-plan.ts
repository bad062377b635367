// fails: no-restricted-imports
import '../plan/json.js';
