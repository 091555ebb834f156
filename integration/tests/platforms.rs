//! Every platform under its emulator, over both binaries: the matrix, the conformance statements, the events, and the
//! tables of `docs/platforms.md` and `docs/conformance`. One binary, since each more costs a link and a build of its
//! own.

#[path = "aliyun_fc/mod.rs"]
mod aliyun_fc;
#[path = "aws_lambda/mod.rs"]
mod aws_lambda;
#[path = "azure_container_apps/mod.rs"]
mod azure_container_apps;
#[path = "azure_functions/mod.rs"]
mod azure_functions;
#[path = "platforms/classes.rs"]
mod classes;
#[path = "platforms/combined.rs"]
mod combined;
#[path = "detection/mod.rs"]
mod detection;
#[path = "platforms/either.rs"]
mod either;
#[path = "platforms/event_function.rs"]
mod event_function;
#[path = "platforms/everyday.rs"]
mod everyday;
#[path = "platforms/failures.rs"]
mod failures;
#[path = "fn_project/mod.rs"]
mod fn_project;
#[path = "google_cloud/mod.rs"]
mod google_cloud;
#[path = "huawei_functiongraph/mod.rs"]
mod huawei_functiongraph;
#[path = "knative/mod.rs"]
mod knative;
#[path = "kubernetes/mod.rs"]
mod kubernetes;
#[path = "platforms/matrix.rs"]
mod matrix;
#[path = "openfaas/mod.rs"]
mod openfaas;
#[path = "openwhisk/mod.rs"]
mod openwhisk;
#[path = "platforms/own_events.rs"]
mod own_events;
#[path = "platforms/packaged.rs"]
mod packaged;
#[path = "plain_http/mod.rs"]
mod plain_http;
#[path = "platforms/records.rs"]
mod records;
#[path = "platforms/recut.rs"]
mod recut;
#[path = "platforms/rig.rs"]
mod rig;
#[path = "platforms/routing.rs"]
mod routing;
#[path = "platforms/same_bytes.rs"]
mod same_bytes;
#[path = "platforms/secrets.rs"]
mod secrets;
#[path = "platforms/several.rs"]
mod several;
#[path = "platforms/several_phases.rs"]
mod several_phases;
#[path = "platforms/several_starts.rs"]
mod several_starts;
#[path = "platforms/table.rs"]
mod table;
#[path = "tencent_scf/mod.rs"]
mod tencent_scf;
#[path = "vefaas/mod.rs"]
mod vefaas;
#[path = "yandex/mod.rs"]
mod yandex;
#[path = "platforms/yml.rs"]
mod yml;

/// A platform of the matrix.
struct OfMatrix {
    /// The module of its tests.
    module: &'static str,
    /// The word for it in `FAAS_PLATFORM`.
    word: &'static str,
    echo: Behaviour,
    inspect: Behaviour,
}

/// A behaviour of the matrix.
type Behaviour = fn(&integration::artifacts::Runtime);

/// Makes the list of this binary, over which all tests of every platform go.
macro_rules! platforms {
    ($($module:ident $word:literal,)*) => {
        const PLATFORMS: &[OfMatrix] = &[$(OfMatrix {
            module: stringify!($module),
            word: $word,
            echo: $module::matrix::echo,
            inspect: $module::matrix::inspect_over_every_trigger,
        },)*];

        /// A test a platform, so that they run beside one another.
        mod the_shop_is_packaged_and_answers_and_so_it_does_cut_and_combined_again {
            $(#[test]
            fn $module() {
                crate::recut::behave($word);
            })*
        }
    };
}

platforms! {
    aws_lambda "aws-lambda",
    aliyun_fc "aliyun-fc",
    tencent_scf "tencent-scf",
    huawei_functiongraph "huawei-functiongraph",
    azure_functions "azure-functions",
    azure_container_apps "azure-container-apps",
    google_cloud "google-cloud",
    knative "knative",
    openfaas "openfaas",
    openwhisk "openwhisk",
    fn_project "fn",
    vefaas "vefaas",
    yandex "yandex",
    kubernetes "kubernetes",
    plain_http "http",
}
