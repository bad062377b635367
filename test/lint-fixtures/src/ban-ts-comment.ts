// fails: @typescript-eslint/ban-ts-comment
// @ts-ignore
/** A number, whatever the compiler says. */
export const wrong: number = 'text';
