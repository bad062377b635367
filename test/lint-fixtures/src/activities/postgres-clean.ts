// Breaks nothing: the only room that may.
import 'pg';
