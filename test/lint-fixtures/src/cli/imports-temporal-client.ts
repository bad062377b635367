// fails: no-restricted-imports
import '@temporalio/client';
