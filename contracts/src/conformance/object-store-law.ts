import type { Law } from './law.ts';
import type { ObjectStoreTraits } from './object-store-harness.ts';
import type { ObjectStoreStage } from './object-store-stage.ts';

/** One clause of the object-store contract. */
export type ObjectStoreLaw = Law<ObjectStoreStage, ObjectStoreTraits>;
