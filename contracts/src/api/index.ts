export * from './api-request.ts';
export * from './event-kinds.ts';
export * from './extension-resources.ts';
export * from './identity.ts';
export * from './messages.ts';
export * from './resources.ts';
export * from './route.ts';
export * from './routes.ts';
