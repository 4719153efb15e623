/**
 * The settings that bound what is counted: of any one application, which may set lower limits of its own, and of all
 * applications together. A zero is no limit.
 */

import { entry, integer } from './setting.ts'

const counted = (name: string, initial: number, says: string) =>
  entry({
    name,
    default: String(initial),
    says,
    expects: 'a number from 0 to 1000000000',
    parse: integer(0, 1_000_000_000),
  })

export const QUOTA_SETTINGS = {
  applicationNotebooks: counted('FIELDBOOK_APPLICATION_NOTEBOOKS', 0, 'Notebooks of one application; 0 is any number.'),
  totalNotebooks: counted('FIELDBOOK_NOTEBOOKS', 0, 'Notebooks of all applications together; 0 is any number.'),
  applicationMinutes: counted(
    'FIELDBOOK_APPLICATION_MINUTES',
    0,
    'Minutes that notebooks of one application may run in a calendar month (UTC); 0 is any number.',
  ),
  totalMinutes: counted('FIELDBOOK_MINUTES', 0, 'The same of all applications together.'),
  applicationParallel: counted(
    'FIELDBOOK_APPLICATION_PARALLEL',
    0,
    'Executions of one application that run at the same time, further ones wait; 0 is as many as there are slots.',
  ),
  totalParallel: counted('FIELDBOOK_PARALLEL', 0, 'The same of all applications together, whatever number of workers.'),
  applicationQueue: counted(
    'FIELDBOOK_APPLICATION_QUEUE',
    10_000,
    'Executions of one application that may wait; 0 is any number.',
  ),
  totalQueue: counted('FIELDBOOK_QUEUE', 0, 'Executions of all applications together that may wait; 0 is any number.'),
}
