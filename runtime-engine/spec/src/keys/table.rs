//! The keys of a service, its provider, its functions and its units.

use super::{Key, Object, Shape, deployment, manifest, nothing, plan};

const OF_NODE: &str = "it is about packing programs of Node.js; libraries are built by cargo";
const MEMORY: Shape = Shape::Int { least: 64, most: 1_048_576, unit: "of MB" };

const ENVIRONMENT: Key = manifest(
    "environment",
    Shape::Environment,
    "`environment`",
    "Variables of the environment. Those of a function stand over the provider's.",
);
const TIMEOUT: Key =
    manifest("timeout", Shape::Time, "`timeout`", "How long an invocation may take.").or("the platform's limit").on(&[
        ("aliyun-fc", "timeout"),
        ("aws-lambda", "Timeout"),
        ("azure-functions", "functionTimeout of host.json"),
        ("fn", "timeout"),
        ("google-cloud", "timeoutSeconds"),
        ("http", "FAAS_TIMEOUT"),
        ("huawei-functiongraph", "timeout"),
        ("knative", "timeoutSeconds"),
        ("openfaas", "exec_timeout"),
        ("openwhisk", "limits.timeout"),
        ("tencent-scf", "timeout"),
        ("vefaas", "RequestTimeout"),
        ("yandex", "--execution-timeout"),
    ]);
const INIT_TIMEOUT: Key =
    deployment("initTimeout", Shape::Time, "How long the start of an instance may take.").or("3 seconds").on(&[
        ("aliyun-fc", "instanceLifecycleConfig.initializer"),
        ("azure-container-apps", "failureThreshold of the startup probe"),
        ("google-cloud", "startupProbe.failureThreshold"),
        ("knative", "progress-deadline"),
        ("kubernetes", "startupProbe.failureThreshold"),
        ("tencent-scf", "initTimeout"),
        ("vefaas", "InitializerSec"),
    ]);
const MEMORY_SIZE: Key = deployment("memorySize", MEMORY, "The memory of an instance, in MB.").or("128 MB").on(&[
    ("aliyun-fc", "memorySize"),
    ("aws-lambda", "MemorySize"),
    ("azure-container-apps", "resources.memory"),
    ("azure-functions", "--instance-memory"),
    ("fn", "memory"),
    ("google-cloud", "resources.limits.memory"),
    ("http", "mem_limit"),
    ("huawei-functiongraph", "memory_size"),
    ("knative", "resources.limits.memory"),
    ("kubernetes", "resources.limits.memory"),
    ("openfaas", "limits.memory"),
    ("openwhisk", "limits.memorySize"),
    ("tencent-scf", "memorySize"),
    ("vefaas", "MemoryMB"),
    ("yandex", "--memory"),
]);
const CONCURRENCY: Key = manifest(
    "concurrency",
    Shape::Int { least: 1, most: 100_000, unit: "of invocations" },
    "`concurrency`",
    "How many invocations run in one instance at once.",
)
.or("the platform's limit")
.on(&[
    ("aliyun-fc", "instanceConcurrency"),
    ("azure-container-apps", "concurrentRequests"),
    ("azure-functions", "FAAS_CONCURRENCY"),
    ("google-cloud", "containerConcurrency"),
    ("http", "FAAS_CONCURRENCY"),
    ("huawei-functiongraph", "strategy_config.concurrent_num"),
    ("knative", "containerConcurrency"),
    ("openfaas", "max_inflight"),
    ("openwhisk", "limits.concurrentActivations"),
    ("vefaas", "MaxConcurrency"),
]);
const RUNTIME: Key = deployment(
    "runtime",
    Shape::Text,
    "The runtime of the platform. Functions of this engine need the platform's custom runtime; the word of a runtime of \
     Node.js is read and has no effect.",
)
.or("the platform's custom runtime");
const STAGE: Key = plan("stage", Shape::Name, "what `${stage}` is, and which part of `stages` counts", "The stage.");
const DESCRIPTION: Key = deployment("description", Shape::Text, "What it is for, for people.");
const AUTH_TYPE: Key = deployment(
    "authType",
    Shape::Choice(&["anonymous", "function"]),
    "Whether anybody may call the triggers of HTTP, or only callers that the platform knows.",
)
.or("anonymous");
const LAYERS: Key = manifest(
    "layers",
    Shape::Either(&LAYER_LISTS),
    "`layers`",
    "The layers around it, outermost first: a list of names, or a mapping from names to layers.",
);

static LAYER_LISTS: [Shape; 2] = [Shape::List(&LAYER_IN_LIST), Shape::Map("names and layers", &LAYER_IN_MAP)];
static LAYER_IN_LIST: Shape = Shape::Either(&LAYER_FORMS);
static LAYER_FORMS: [Shape; 2] = [Shape::Name, Shape::Object(&LISTED_LAYER)];
static LAYER_IN_MAP: Shape = Shape::Object(&LAYER);

const LAYER_NAME: Key =
    manifest("name", Shape::Name, "`name`", "`library` or `library.layer`. In a mapping, its name is the default.");
const LAYER_CONFIG: Key = manifest("config", Shape::Any, "`config`", "Its configuration, handed to it as JSON.");
const LAYER_OPTIONAL: Key =
    manifest("optional", Shape::Bool, "`optional`", "`true`: what fails in the layer is skipped and logged.")
        .or("false");
const LAYER_PATH: Key = deployment(
    "path",
    Shape::Text,
    "Where it comes from: `file:…` or `cargo:…`. A layer of npm is a program of Node.js and cannot be loaded.",
);

/// The keys of a layer in a mapping.
static LAYER: Object = Object { what: "a layer", keys: &[LAYER_NAME, LAYER_CONFIG, LAYER_OPTIONAL, LAYER_PATH] };

/// The keys of a layer in a list, where nothing else gives it a name.
static LISTED_LAYER: Object =
    Object { what: "a layer with its name", keys: &[LAYER_NAME.required(), LAYER_CONFIG, LAYER_OPTIONAL, LAYER_PATH] };

static VPC: Object = Object {
    what: "a private network",
    keys: &[
        deployment("vpcId", Shape::Text, "The network."),
        deployment("vSwitchIds", Shape::List(&Shape::Text), "Its switches or subnets."),
        deployment("subnetId", Shape::Text, "Its subnet.").on(&[("tencent-scf", "subnetId")]),
        deployment("securityGroupId", Shape::Text, "The security group."),
    ],
};

static LOGS: Object = Object {
    what: "a place for logs",
    keys: &[
        deployment("project", Shape::Text, "The log project."),
        deployment("logstore", Shape::Text, "The log store."),
        deployment("enableRequestMetrics", Shape::Bool, "Whether each request is measured.").or("false"),
        deployment("enableInstanceMetrics", Shape::Bool, "Whether each instance is measured.").or("false"),
    ],
};

static NAS: Object = Object {
    what: "a file system",
    keys: &[
        deployment("userId", Shape::Int { least: -1, most: 65_534, unit: "" }, "The user."),
        deployment("groupId", Shape::Int { least: -1, most: 65_534, unit: "" }, "The group."),
        deployment("mountPoints", Shape::List(&Shape::Object(&MOUNT)), "What is mounted where."),
    ],
};

static MOUNT: Object = Object {
    what: "a mount point",
    keys: &[
        deployment("serverAddr", Shape::Text, "The address of the file system."),
        deployment("mountDir", Shape::Text, "Where it is mounted."),
    ],
};

static ASYNC: Object = Object {
    what: "what becomes of calls that nobody waits for",
    keys: &[
        deployment("destination", Shape::Object(&DESTINATION), "Where their results go."),
        deployment(
            "maxAsyncEventAgeInSeconds",
            Shape::Int { least: 1, most: 604_800, unit: "of seconds" },
            "How long they are kept.",
        ),
        deployment(
            "maxAsyncRetryAttempts",
            Shape::Int { least: 0, most: 8, unit: "" },
            "How often they are tried again.",
        ),
        deployment("statefulInvocation", Shape::Bool, "Whether the platform keeps their state.").or("false"),
    ],
};

static DESTINATION: Object = Object {
    what: "the destinations of results",
    keys: &[
        deployment("onSuccess", Shape::Text, "Of those that succeeded."),
        deployment("onFailure", Shape::Text, "Of those that failed."),
    ],
};

/// The keys of `provider`.
pub static PROVIDER: Object = Object {
    what: "a provider",
    keys: &[
        plan(
            "name",
            Shape::Text,
            "the platform that is asked about without another word",
            "The platform: its name in this project, or aliyun, tencent, aws, azure, google, huawei.",
        ),
        RUNTIME,
        TIMEOUT,
        INIT_TIMEOUT,
        MEMORY_SIZE,
        CONCURRENCY,
        deployment("region", Shape::Text, "The region."),
        STAGE,
        deployment("role", Shape::Text, "The role that functions have."),
        ENVIRONMENT,
        deployment("serviceId", Shape::Text, "The API gateway that routes are added to.")
            .on(&[("tencent-scf", "serviceId")]),
        nothing(
            "credentials",
            Shape::Any,
            "credentials do not belong in a file that is shared",
            "Credentials of the account.",
        ),
        deployment("vpcConfig", Shape::Object(&VPC), "The private network."),
        deployment("logConfig", Shape::Object(&LOGS), "Where logs go."),
        deployment(
            "nasConfig",
            Shape::Either(&[Shape::Choice(&["auto"]), Shape::Object(&NAS)]),
            "A file system to mount.",
        ),
        deployment("internetAccess", Shape::Bool, "Whether functions reach the internet.").or("true"),
        deployment("policies", Shape::OneOrMany(&Shape::Any), "Policies of the role."),
        deployment(
            "tracingConfig",
            Shape::Either(&[Shape::Choice(&["enable", "disable"]), Shape::Any]),
            "Whether the platform traces.",
        ),
        deployment("asyncConfiguration", Shape::Object(&ASYNC), "What becomes of calls that nobody waits for."),
        LAYERS,
        AUTH_TYPE,
        nothing(
            "access",
            Shape::Text,
            "the tool that deploys knows its accounts",
            "The name of an account of the deploying tool.",
        ),
        nothing("starter", Shape::Text, OF_NODE, "The package of midway that starts a function."),
        DESCRIPTION,
    ],
};

/// The keys of an element of `functions`.
pub static FUNCTION: Object = Object {
    what: "a function",
    keys: &[
        manifest("handler", Shape::Name, "`handler`", "`library` or `library.function`.").or("its name"),
        manifest("events", Shape::List(&Shape::Event), "`events`", "What it serves."),
        manifest("config", Shape::Any, "`config`", "Its configuration, handed to it as JSON."),
        TIMEOUT,
        INIT_TIMEOUT,
        MEMORY_SIZE,
        CONCURRENCY,
        ENVIRONMENT,
        LAYERS,
        manifest(
            "start",
            Shape::Choice(&["eager", "lazy"]),
            "`start`",
            "`eager`: it starts with the process. `lazy`: it starts on its first invocation.",
        )
        .or("eager"),
        manifest(
            "fence",
            Shape::Either(&[Shape::Bool, Shape::Object(&FENCE)]),
            "`fence`",
            "When the function is left alone for a while because it keeps failing. `false`: never.",
        ),
        manifest(
            "records",
            Shape::Object(&RECORDS),
            "`records`",
            "How it is called for the records of a batch, if it takes one at a time.",
        ),
        manifest(
            "default",
            Shape::Bool,
            "`default` of the manifest",
            "`true`: it serves what no other function claims.",
        )
        .or("false"),
        deployment("name", Shape::Text, "Its name on the platform.").or("its key"),
        DESCRIPTION,
        RUNTIME,
        nothing("codeUri", Shape::Text, "libraries are built by cargo", "Where its code is."),
        deployment("initializer", Shape::Text, "The handler of its start.").on(&[("aliyun-fc", "initializer")]),
        deployment("stage", Shape::Text, "The stage of its API gateway.").on(&[("tencent-scf", "stageName")]),
        AUTH_TYPE,
        nothing(
            "functionName",
            Shape::Text,
            "midway's decorators write it; the key of the function is its name",
            "Its name.",
        ),
        nothing(
            "handlerName",
            Shape::Text,
            "midway's decorators write it; `handler` says where its code is",
            "Its handler.",
        ),
        plan(
            "isDeploy",
            Shape::Bool,
            "`false`: it is in units alone, and no deployment of its own",
            "Whether it is deployed by itself.",
        )
        .or("true"),
    ],
};

static FENCE: Object = Object {
    what: "a fence",
    keys: &[
        manifest(
            "failures",
            Shape::Int { least: 1, most: 4_294_967_295, unit: "of failures" },
            "`failures`",
            "How many failures in a row close the fence.",
        )
        .required(),
        manifest("for", Shape::Time, "`for`", "How long it stays closed.").required(),
    ],
};

static RECORDS: Object = Object {
    what: "a rule for records",
    keys: &[
        manifest(
            "concurrency",
            Shape::Int { least: 1, most: i64::MAX, unit: "of records" },
            "`records.concurrency`",
            "How many records of a batch run at once.",
        )
        .or("that of `FAAS_RECORD_CONCURRENCY`"),
        manifest(
            "failures",
            Shape::Choice(&["report", "fail", "log"]),
            "`records.failures`",
            "What becomes of a batch of which some records failed.",
        )
        .or("that of `FAAS_RECORD_FAILURES`"),
    ],
};

/// The keys of an element of `aggregation`.
pub static AGGREGATION: Object = Object {
    what: "a unit of functions",
    keys: &[
        plan(
            "functions",
            Shape::List(&Shape::Name),
            "which functions are in the unit",
            "The functions, in order. It counts before `functionsPattern`.",
        ),
        plan(
            "functionsPattern",
            Shape::OneOrMany(&Shape::Text),
            "which functions are in the unit",
            "Patterns of names, with `*` and `?`; one that begins with `!` takes away.",
        ),
        plan(
            "deployOrigin",
            Shape::Bool,
            "whether the functions are deployed by themselves as well",
            "`true`: the functions are deployed by themselves, too.",
        )
        .or("false"),
        plan(
            "eventTrigger",
            Shape::Bool,
            "whether functions without HTTP are taken",
            "`true`: only functions without an `http` event. `false`: only those with one. Without it: all.",
        ),
        TIMEOUT,
        INIT_TIMEOUT,
        MEMORY_SIZE,
        CONCURRENCY,
        ENVIRONMENT,
        LAYERS,
        deployment("name", Shape::Text, "Its name on the platform.").or("its key"),
        DESCRIPTION,
        RUNTIME,
        STAGE,
        AUTH_TYPE,
        nothing("handler", Shape::Text, "a unit has the handlers of its functions", "Where its code is."),
        nothing("events", Shape::List(&Shape::Any), "a unit has the events of its functions", "What it serves."),
        nothing("codeUri", Shape::Text, "libraries are built by cargo", "Where its code is."),
        nothing("initializer", Shape::Text, "a unit starts as its functions do", "The handler of its start."),
    ],
};

static ROUTING: Object = Object {
    what: "how paths are compared",
    keys: &[
        manifest(
            "trailingSlash",
            Shape::Choice(&["ignore", "strict"]),
            "`routing.trailingSlash`",
            "Whether `/a` and `/a/` are the same path.",
        )
        .or("ignore"),
        manifest(
            "case",
            Shape::Choice(&["sensitive", "insensitive"]),
            "`routing.case`",
            "Whether `/a` and `/A` are two paths.",
        )
        .or("sensitive"),
    ],
};

static SERVICE_NAME: Object = Object {
    what: "a service's name and description",
    keys: &[manifest("name", Shape::Name, "part of the unit's `name`", "Its name.").required(), DESCRIPTION],
};

static PACKAGE: Object = Object {
    what: "what goes into a package",
    keys: &[
        deployment(
            "include",
            Shape::OneOrMany(&Shape::Text),
            "Files that go into the package beside the libraries, as patterns.",
        ),
        deployment("exclude", Shape::OneOrMany(&Shape::Text), "Files that stay out, as patterns."),
        deployment("artifact", Shape::Text, "The name of the package's file.").or("serverless.zip"),
        nothing("lockFile", Shape::Bool, OF_NODE, "Whether lock files are packed."),
    ],
};

pub(super) static CUSTOM: Object = Object {
    what: "further settings",
    keys: &[deployment(
        "customDomain",
        Shape::Either(&[Shape::Bool, Shape::Object(&DOMAIN)]),
        "The domain that routes are under; `false`: none.",
    )],
};

static DOMAIN: Object = Object {
    what: "a domain",
    keys: &[
        deployment("domainName", Shape::Text, "The host, or `auto` for one of the platform's.").or("auto"),
        deployment("protocol", Shape::Text, "HTTP, HTTPS, or both.").or("HTTP"),
        deployment("certConfig", Shape::Any, "The certificate, by name; its key does not belong in this file."),
    ],
};

/// The keys of the whole yml.
pub static SERVICE: Object = Object {
    what: "a service",
    keys: &[
        manifest(
            "service",
            Shape::Either(&[Shape::Name, Shape::Object(&SERVICE_NAME)]),
            "part of the unit's `name`",
            "The name of the service.",
        )
        .required(),
        plan(
            "provider",
            Shape::Object(&PROVIDER),
            "what all functions have in common",
            "The platform, and what all functions have in common.",
        ),
        plan(
            "functions",
            Shape::Map("names and functions", &Shape::Object(&FUNCTION)),
            "which functions there are",
            "The functions, by name.",
        ),
        LAYERS,
        plan(
            "aggregation",
            Shape::Map("names and units", &Shape::Object(&AGGREGATION)),
            "which functions are deployed together",
            "Units: functions that are deployed together and run in one process.",
        ),
        manifest("routing", Shape::Object(&ROUTING), "`routing`", "How paths are compared."),
        deployment("package", Shape::Object(&PACKAGE), "What goes into a package."),
        plan(
            "stages",
            Shape::Map("stages and what differs in them", &Shape::Any),
            "what stands over the rest of the yml in one stage",
            "What differs by stage: parts of this yml that are laid over the rest.",
        ),
        plan(
            "platforms",
            Shape::Map("platforms and what differs on them", &Shape::Any),
            "what stands over the rest of the yml on one platform",
            "What differs by platform: parts of this yml that are laid over the rest, those of the stage included.",
        ),
        deployment(
            "custom",
            Shape::Object(&CUSTOM),
            "Further settings, and values for variables; unknown keys are allowed.",
        ),
        deployment("resources", Shape::Any, "Resources of the platform, handed on as they are."),
        nothing("plugins", Shape::List(&Shape::Text), "plugins are packages of Node.js", "Plugins of midway's tool."),
        nothing(
            "deployType",
            Shape::Any,
            "it starts an app of Node.js; mount an axum or tower app instead",
            "The framework of an app.",
        ),
        nothing(
            "functionsRule",
            Shape::Any,
            "it is about source files of TypeScript",
            "Where midway's compiler finds functions.",
        ),
        nothing("experimentalFeatures", Shape::Any, OF_NODE, "Switches of midway's tool."),
        nothing("globalDependencies", Shape::Any, OF_NODE, "Packages of npm."),
        nothing("coverDependencies", Shape::Any, OF_NODE, "Packages of npm."),
        nothing("resolutions", Shape::Any, OF_NODE, "Packages of npm."),
        nothing("hooks", Shape::Any, OF_NODE, "Settings of midway's hooks."),
    ],
};
