// fails: no-restricted-imports
import 'pg';
