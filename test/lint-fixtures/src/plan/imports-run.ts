// fails: no-restricted-imports
import '../run/state.js';
