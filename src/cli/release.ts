/** Release of this rehost; equal to the version in package.json, held equal by a test. */
export const RELEASE = '0.1.0';
