// fails: no-restricted-imports
import '../../src/run/state.js';
