// fails: no-restricted-imports
import '../activities/create.js';
