// fails: jsdoc/require-jsdoc
export function undocumentedFunction(): void {
  return;
}

export const undocumentedArrow = (): number => 1;

export const undocumentedValue = 1;

export interface UndocumentedInterface {
  readonly member: string;
}

export type UndocumentedType = 'yes' | 'no';

export class UndocumentedClass {
  readonly member = 1;
}
