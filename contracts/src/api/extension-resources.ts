/** Extensions, subscriptions and deliveries on the wire: v0's resources and messages, with optional additions. */
import type { Static } from 'typebox';
import * as Type from 'typebox';
import { RegistryAuth, StoredObject, Variable } from './resources.ts';

const literals = <const T extends readonly string[]>(values: T, description?: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: values, ...(description === undefined ? {} : { description }) });
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = (description: string) => Type.Integer({ minimum: 0, description: `${description} (epoch milliseconds; 0: not yet)` });

/** One setting that an extension documents. */
export const Parameter = Type.Object({ key: Type.String(), required: Type.Boolean(), documentation: Type.String() }, { $id: 'Parameter' });
export type Parameter = Static<typeof Parameter>;

export const ExtensionDocumentation = Type.Object(
  {
    config_params: Type.Array(Parameter),
    pipeline_subscription_params: Type.Array(Parameter),
    body: Type.String({ description: 'Markdown' }),
  },
  { $id: 'Documentation' },
);
export type ExtensionDocumentation = Static<typeof ExtensionDocumentation>;

export const EXTENSION_STATUSES = ['unknown', 'enabled', 'disabled'] as const;
export const ExtensionRegistration = Type.Object(
  {
    extension_id: Type.String(),
    image: Type.String({ description: 'An image, or `builtin:NAME` for one that comes with the server' }),
    registry_auth: nullable(RegistryAuth),
    settings: Type.Array(Variable, { description: 'Values are `[redacted]` unless they are secret references' }),
    created: Time('When it was installed'),
    modified: Time('When its registration was last changed'),
    status: literals(EXTENSION_STATUSES),
    additional_roles: Type.Array(Type.String()),
  },
  { $id: 'Registration' },
);
export type ExtensionRegistration = Static<typeof ExtensionRegistration>;

/** `processing`: being started or stopped; `exited`: not running, whether it ended, failed or is disabled. */
export const EXTENSION_STATES = ['unknown', 'processing', 'running', 'exited'] as const;
export const ExtensionHealth = literals(['unknown', 'healthy', 'unhealthy'], 'What its health end-point last said');
export const Extension = Type.Object(
  {
    registration: ExtensionRegistration,
    url: Type.String({ description: 'Where the server reaches it; empty where it does not run' }),
    started: Time('When it was last started'),
    state: literals(EXTENSION_STATES),
    documentation: ExtensionDocumentation,
    health: Type.Optional(ExtensionHealth),
    state_reason: Type.Optional(Type.String({ description: 'What it waits for, or why it does not run, for a person' })),
    restarts: Type.Optional(Type.Integer({ minimum: 0, description: 'How often it was started again after it had ended by itself' })),
    next_start: Type.Optional(Time('When it is started again, where that is waited for')),
    last_error: Type.Optional(Type.Object({ message: Type.String(), at: Time('When that was') })),
    engine: Type.Optional(Type.String({ description: 'The scheduler that runs it, or `builtin`' })),
  },
  { $id: 'Extension' },
);
export type Extension = Static<typeof Extension>;

const Settings = Type.Record(Type.String(), Type.String(), { maxProperties: 200 });
export const InstallExtensionRequest = Type.Object(
  {
    id: Type.String({ description: '3 to 32 of `[a-zA-Z0-9-]`' }),
    image: Type.String({ maxLength: 4096 }),
    settings: Settings,
    registry_auth: Type.Optional(nullable(RegistryAuth)),
    additional_roles: Type.Optional(nullable(Type.Array(Type.String(), { maxItems: 50 }))),
  },
  { $id: 'InstallExtensionRequest' },
);
export const UpdateExtensionRequest = Type.Object(
  {
    enable: Type.Optional(Type.Boolean()),
    image: Type.Optional(Type.String({ maxLength: 4096, description: 'Another image: an upgrade' })),
    settings: Type.Optional(
      Type.Record(Type.String(), nullable(Type.String()), { maxProperties: 200, description: 'Those to change; null removes one' }),
    ),
    registry_auth: Type.Optional(nullable(RegistryAuth)),
    additional_roles: Type.Optional(Type.Array(Type.String(), { maxItems: 50 })),
  },
  { $id: 'UpdateExtensionRequest', description: 'What is absent stays; whatever changes but `enable` starts the extension anew' },
);
export const InstallExtensionResponse = Type.Object({ extension: Extension }, { $id: 'InstallExtensionResponse' });
export const GetExtensionResponse = Type.Object({ extension: Extension }, { $id: 'GetExtensionResponse' });
export const ListExtensionsResponse = Type.Object({ extensions: Type.Array(Extension) }, { $id: 'ListExtensionsResponse' });
export const DebugResponse = Type.Object({ info: Type.String() }, { $id: 'DebugResponse' });
export const ListExtensionObjectsResponse = Type.Object({ objects: Type.Array(StoredObject) }, { $id: 'ListExtensionObjectsResponse' });
export const PutExtensionObjectResponse = Type.Object({ object: StoredObject }, { $id: 'PutExtensionObjectResponse' });

export const SUBSCRIPTION_STATUSES = ['unknown', 'active', 'error', 'disabled'] as const;
export const Subscription = Type.Object(
  {
    namespace_id: Type.String(),
    pipeline_id: Type.String(),
    extension_id: Type.String(),
    subscription_id: Type.String(),
    settings: Type.Record(Type.String(), Type.String(), {
      description: 'As written, with references; to the extension itself, with what they stand for',
    }),
    status: literals(SUBSCRIPTION_STATUSES),
    status_reason: nullable(Type.Object({ reason: literals(['unknown', 'not_found', 'failed'] as const), description: Type.String() })),
    created: Type.Optional(Time('When it was made')),
    modified: Type.Optional(Time('When it was last changed')),
    origin: Type.Optional(literals(['api', 'config'] as const, 'Who keeps it: people, or the code of the pipeline')),
  },
  { $id: 'Subscription' },
);
export type Subscription = Static<typeof Subscription>;

const Origin = Type.Optional(literals(['api', 'config'] as const, 'Who keeps it; absent: `api` for a new one'));
export const CreateSubscriptionRequest = Type.Object(
  {
    extension_id: Type.String(),
    subscription_id: Type.String({ description: '1 to 63 of `[a-zA-Z0-9_-]`' }),
    settings: Settings,
    origin: Origin,
  },
  { $id: 'CreateSubscriptionRequest' },
);
export const UpdateSubscriptionRequest = Type.Object(
  {
    status: Type.Optional(nullable(literals(['active', 'disabled'] as const))),
    settings: Type.Optional(
      Type.Record(Type.String(), Type.String(), { maxProperties: 200, description: 'All of them, as they are to be' }),
    ),
    origin: Origin,
  },
  { $id: 'UpdateSubscriptionRequest' },
);
export const CreateSubscriptionResponse = Type.Object({ subscription: Subscription }, { $id: 'CreateSubscriptionResponse' });
export const GetSubscriptionResponse = Type.Object({ subscription: Subscription }, { $id: 'GetSubscriptionResponse' });
export const ListSubscriptionsResponse = Type.Object({ subscriptions: Type.Array(Subscription) }, { $id: 'ListSubscriptionsResponse' });
export const ListExtensionSubscriptionsResponse = Type.Object(
  { subscriptions: Type.Array(Subscription) },
  { $id: 'ListExtensionSubscriptionsResponse' },
);

/** `pending`: still to be delivered, or again; `delivered`: the extension took it; `refused`: it said no; `failed`: given up. */
export const DELIVERY_STATES = ['pending', 'delivered', 'refused', 'failed'] as const;
export const Delivery = Type.Object(
  {
    delivery_id: Type.String({ description: 'A uuid, which the sender was answered with' }),
    extension_id: Type.String(),
    received: Time('When it came in'),
    size: Type.Integer({ minimum: 0, description: 'Bytes of the body' }),
    state: literals(DELIVERY_STATES),
    attempts: Type.Integer({ minimum: 0, description: 'How often it was handed to the extension' }),
    finished: Time('When the extension took or refused it, or it was given up'),
    next_attempt: Type.Optional(Time('When it is tried again')),
    status_code: Type.Optional(Type.Integer({ description: "The extension's last answer" })),
    message: Type.Optional(Type.String({ description: "The extension's own words, or why it could not be asked" })),
    runs: Type.Optional(
      Type.Array(Type.Object({ namespace_id: Type.String(), pipeline_id: Type.String(), run_id: Type.Integer({ minimum: 1 }) }), {
        description:
          'The runs that the extension started because of it, as far as it said so, they are kept, and the caller may read them; absent where there are none',
      }),
    ),
    headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Only where one delivery is asked for' })),
  },
  { $id: 'Delivery' },
);
export type Delivery = Static<typeof Delivery>;
export const ListDeliveriesResponse = Type.Object({ deliveries: Type.Array(Delivery) }, { $id: 'ListDeliveriesResponse' });
export const GetDeliveryResponse = Type.Object({ delivery: Delivery }, { $id: 'GetDeliveryResponse' });
export const RedeliverResponse = Type.Object({ delivery: Delivery }, { $id: 'RedeliverResponse' });
