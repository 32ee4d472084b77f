export { plugin } from './process-plugin.ts';
export {
  registerSupervisorCommand,
  type SupervisorCommand,
  supervisorNodeFlags,
} from './supervisor-command.ts';
