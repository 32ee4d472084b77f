/** Extensions, the subscriptions to them, and what came in for them from outside. */
import type { Delivery, PathOf, Permission, Subscription } from '@gofer/contracts/api';
import type { TargetIds } from '../../domain/index.ts';
import type { DeliveryService, Services, SubscriptionPath } from '../../services/services.ts';
import type { JsonHandlers, RawHandlers } from '../route-request.ts';
import { answerBytes } from './byte-answer.ts';
import { NEEDED_TO_READ } from './needed-to-read.ts';
import { toPage, toPipelinePath } from './request-paths.ts';

const READ_SUBSCRIPTION: Permission = { action: 'read', resources: ['namespaces', 'pipelines', 'subscriptions'] };

const READ_RUNS: Permission = { action: 'read', resources: ['namespaces', 'pipelines', 'runs'] };

export type ExtensionHandlers = Pick<
  JsonHandlers,
  | 'list_extensions'
  | 'install_extension'
  | 'get_extension'
  | 'update_extension'
  | 'uninstall_extension'
  | 'get_extension_debug_info'
  | 'list_extension_subscriptions'
  | 'list_extension_deliveries'
  | 'get_extension_delivery'
  | 'redeliver_extension_delivery'
  | 'list_subscriptions'
  | 'create_subscription'
  | 'get_subscription'
  | 'update_subscription'
  | 'delete_subscription'
>;

export function createExtensionHandlers({
  extensions,
  subscriptions,
  deliveries,
}: Pick<Services, 'extensions' | 'subscriptions' | 'deliveries'>): ExtensionHandlers {
  return {
    list_extensions: async ({ may }) => ({
      extensions: await extensions.list(
        may('admin') ? undefined : (id) => may({ action: 'read', resources: ['extensions'] }, { extension_id: id }),
      ),
    }),
    install_extension: async ({ body: { id, image, settings, registry_auth, additional_roles }, query, signal }) => {
      const extension = {
        id,
        image,
        settings,
        additionalRoles: additional_roles ?? [],
        ...(registry_auth === undefined || registry_auth === null ? {} : { registryAuth: registry_auth }),
      };
      return { extension: await extensions.install(extension, query.wait, signal) };
    },
    get_extension: async ({ path }) => ({ extension: await extensions.get(path.extension_id) }),
    update_extension: ({ path, body: { enable, image, settings, registry_auth, additional_roles } }) =>
      extensions.update(path.extension_id, {
        ...(enable === undefined ? {} : { enable }),
        ...(image === undefined ? {} : { image }),
        ...(settings === undefined ? {} : { settings }),
        ...(registry_auth === undefined ? {} : { registryAuth: registry_auth }),
        ...(additional_roles === undefined ? {} : { additionalRoles: additional_roles }),
      }),
    uninstall_extension: ({ path }) => extensions.uninstall(path.extension_id),
    get_extension_debug_info: async ({ path }) => ({ info: await extensions.debug(path.extension_id) }),
    list_extension_subscriptions: async ({ path, principal, may }) => {
      const own = principal.extension?.id === path.extension_id;
      const all = await subscriptions.ofExtension(path.extension_id, { own });
      return { subscriptions: own ? all : all.filter((each) => may(READ_SUBSCRIPTION, toIds(each))) };
    },

    list_extension_deliveries: async ({ path, query, may }) => {
      const page = await deliveries.list(path.extension_id, {
        ...toPage(query),
        ...(query.state === undefined ? {} : { state: query.state }),
      });
      return {
        deliveries: page.map((each) =>
          withReadable(each, ({ namespace_id, pipeline_id }) => may(READ_RUNS, { namespace_id, pipeline_id })),
        ),
      };
    },
    get_extension_delivery: async ({ path }) => ({ delivery: await deliveries.get(path.extension_id, path.delivery_id) }),
    redeliver_extension_delivery: async ({ path }) => ({ delivery: await deliveries.redeliver(path.extension_id, path.delivery_id) }),

    list_subscriptions: async ({ path, query, principal, may }) => {
      const page = await subscriptions.list(toPipelinePath(path), toPage(query));
      // Another extension's settings may be what only that is to know.
      return { subscriptions: principal.extension === undefined ? page : page.filter((each) => may(READ_SUBSCRIPTION, toIds(each))) };
    },
    create_subscription: async ({ path, body: { extension_id, subscription_id, settings, origin = 'api' }, may }) => ({
      subscription: await subscriptions.create(
        { ...toPipelinePath(path), extensionId: extension_id, subscriptionId: subscription_id },
        { settings, origin, mayRead: (what) => may(NEEDED_TO_READ[what]) },
      ),
    }),
    get_subscription: async ({ path }) => ({ subscription: await subscriptions.get(toSubscriptionPath(path)) }),
    update_subscription: ({ path, body: { status, settings, origin }, may }) =>
      subscriptions.update(toSubscriptionPath(path), {
        ...(status === undefined || status === null ? {} : { status }),
        ...(settings === undefined ? {} : { settings }),
        ...(origin === undefined ? {} : { origin }),
        mayRead: (what) => may(NEEDED_TO_READ[what]),
      }),
    delete_subscription: ({ path }) => subscriptions.delete(toSubscriptionPath(path)),
  };
}

export function createDeliveryBodyHandler(deliveries: DeliveryService): Pick<RawHandlers, 'get_extension_delivery_body'> {
  return {
    get_extension_delivery_body: async ({ path }, context) => {
      const body = await deliveries.body(path.extension_id, path.delivery_id);
      // Whatever it holds, a browser must not run it.
      context.set('content-security-policy', "sandbox; default-src 'none'");
      await answerBytes(context, {
        size: body.byteLength,
        etag: `"${path.delivery_id}"`,
        mediaType: 'application/octet-stream',
        what: 'delivery',
        open: (range) => once(range === undefined ? body : body.subarray(range.start, range.end + 1)),
      });
    },
  };
}

/** Without the runs that the caller may not read. */
function withReadable({ runs = [], ...delivery }: Delivery, mayRead: (run: NonNullable<Delivery['runs']>[number]) => boolean): Delivery {
  const readable = runs.filter(mayRead);
  return readable.length === 0 ? delivery : { ...delivery, runs: readable };
}

function toSubscriptionPath(path: PathOf<'get_subscription'>): SubscriptionPath {
  return { ...toPipelinePath(path), extensionId: path.extension_id, subscriptionId: path.subscription_id };
}

/** As the path of one names it. */
function toIds({ namespace_id, pipeline_id, extension_id }: Subscription): TargetIds {
  return { namespace_id, pipeline_id, extension_id };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
