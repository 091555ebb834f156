//! The plan of a service: which function is in which deployment, and which one owns each route and event. Two plans can
//! be compared, to see what an edit would change.

use crate::Spec;
use crate::manifest::TimerNames;
use crate::model::{Event, Function};
use crate::tree::Node;
use crate::units::Unit;
use serde::Serialize;
use std::collections::BTreeMap;

/// The deployments of a service. Its JSON is a documented form: members are only added.
///
/// ```
/// # use serverless_spec::{Input, Read, read, variables::Files};
/// # use std::collections::BTreeMap;
/// # #[derive(Debug)]
/// # struct Alone;
/// # impl Files for Alone {
/// #     fn read(&self, path: &str) -> Result<String, String> { Err(format!("there is no file {path}")) }
/// # }
/// # fn read_text(text: &str) -> Read {
/// #     let none = BTreeMap::new();
/// #     let (name, text, environment, options) = ("serverless.yml", text.as_bytes(), &none, &none);
/// #     read(&Input { name, text, environment, options, stage: None, platform: Some("knative"), files: &Alone })
/// # }
/// let text = "service: shop\nfunctions:\n  order: {handler: shop.order, events: [{http: {path: /orders}}]}\n";
/// use serverless_spec::plan::Plan;
///
/// let plan = Plan::of(&read_text(text).spec.expect("it is right"));
/// let owner = plan.owners.iter().find(|owner| owner.what.ends_with("/orders"));
/// assert_eq!(owner.map(|owner| owner.function.as_str()), Some("order"));
/// ```
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The name of the service.
    pub service: String,
    /// The stage that the yml is read for.
    pub stage: String,
    /// The platform; `null` if the yml names no platform.
    pub platform: Option<&'static str>,
    /// The deployments, in order.
    pub units: Vec<PlannedUnit>,
    /// The owner of every route and event.
    pub owners: Vec<Owner>,
}

/// A deployment, as the plan shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedUnit {
    /// The name of the deployment.
    pub name: String,
    /// The functions of the deployment.
    pub functions: Vec<String>,
    /// `true` if `aggregation` has it.
    pub is_aggregation: bool,
    /// The memory of an instance in MB; `null` for the platform's default.
    pub memory_mb: Option<i64>,
}

/// The owner of a route or an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Owner {
    /// The route or event: `GET /orders/:id`, `queue jobs`.
    pub what: String,
    /// The name of the deployment.
    pub unit: String,
    /// The name of the function.
    pub function: String,
}

/// The differences between two plans.
///
/// ```
/// # use serverless_spec::{Input, Read, read, variables::Files};
/// # use std::collections::BTreeMap;
/// # #[derive(Debug)]
/// # struct Alone;
/// # impl Files for Alone {
/// #     fn read(&self, path: &str) -> Result<String, String> { Err(format!("there is no file {path}")) }
/// # }
/// # fn read_text(text: &str) -> Read {
/// #     let none = BTreeMap::new();
/// #     let (name, text, environment, options) = ("serverless.yml", text.as_bytes(), &none, &none);
/// #     read(&Input { name, text, environment, options, stage: None, platform: Some("knative"), files: &Alone })
/// # }
/// let text = "service: shop\nfunctions:\n  order: {handler: shop.order, events: [{http: {path: /orders}}]}\n";
/// use serverless_spec::plan::Plan;
///
/// let before = Plan::of(&read_text(text).spec.expect("it is right"));
/// let after = Plan::of(&read_text(&text.replace("/orders", "/v2/orders")).spec.expect("it is right"));
/// let difference = before.difference(&after);
/// assert_eq!((difference.appear.len(), difference.vanish.len(), difference.moved.len()), (1, 1, 0));
/// ```
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The routes and events that only the second one has.
    pub appear: Vec<Owner>,
    /// The routes and events that only the first one has.
    pub vanish: Vec<Owner>,
    /// The routes and events whose owner is another in the second plan: the owner before, the owner after.
    #[serde(rename = "move")]
    pub moved: Vec<(Owner, Owner)>,
}

impl Plan {
    /// Returns the plan of a service.
    pub fn of(spec: &Spec) -> Plan {
        let service = &spec.service;
        let functions =
            |unit: &Unit| unit.members.iter().map(|number| service.functions[*number].name.clone()).collect();
        let units = spec
            .units
            .iter()
            .map(|unit| PlannedUnit {
                name: unit.name.clone(),
                functions: functions(unit),
                is_aggregation: unit.is_aggregation,
                memory_mb: memory(spec, unit),
            })
            .collect();
        let owners = spec.units.iter().filter(|unit| unit.is_owner).flat_map(|unit| {
            let functions = unit.members.iter().map(|number| &service.functions[*number]);
            functions.flat_map(move |function| {
                served(function).into_iter().map(move |what| Owner {
                    what,
                    unit: unit.name.clone(),
                    function: function.name.clone(),
                })
            })
        });
        let (name, stage) = (service.name.clone(), service.stage.clone());
        Plan { service: name, stage, platform: spec.platform, units, owners: owners.collect() }
    }

    /// Returns the differences of `after` from this plan.
    pub fn difference(&self, after: &Plan) -> Difference {
        let by_what = |plan: &Plan| -> BTreeMap<String, Owner> {
            plan.owners.iter().map(|owner| (owner.what.clone(), owner.clone())).collect()
        };
        let (before, after) = (by_what(self), by_what(after));
        let only = |one: &BTreeMap<String, Owner>, other: &BTreeMap<String, Owner>| {
            one.iter().filter(|(what, _)| !other.contains_key(*what)).map(|(_, owner)| owner.clone()).collect()
        };
        let moved = before.iter().filter_map(|(what, owner)| {
            let now = after.get(what).filter(|now| *now != owner)?;
            Some((owner.clone(), now.clone()))
        });
        Difference { appear: only(&after, &before), vanish: only(&before, &after), moved: moved.collect() }
    }

    /// Returns the memory of one instance of every deployment together, in MB; `None` if the yml does not set all of
    /// them.
    pub fn memory_mb(&self) -> Option<i64> {
        self.units.iter().map(|unit| unit.memory_mb).sum()
    }
}

/// Returns the memory of a unit: its own, else the most that its functions ask for, else the provider's.
fn memory(spec: &Spec, unit: &Unit) -> Option<i64> {
    let of = |node: Option<&Node>| node.and_then(|node| node.get("memorySize")).and_then(Node::as_int);
    let kind = |kind: &str, name: &str| spec.tree.get(kind).and_then(|all| all.get(name));
    let own = if unit.is_aggregation { of(kind("aggregation", &unit.name)) } else { None };
    let functions = unit.members.iter().map(|number| &spec.service.functions[*number].name);
    own.or_else(|| functions.filter_map(|name| of(kind("functions", name))).max())
        .or_else(|| of(spec.tree.get("provider")))
}

/// Returns the routes and events of a function, each under a name of its own.
fn served(function: &Function) -> Vec<String> {
    let mut all = Vec::new();
    let mut timer = 0;
    for event in &function.events {
        if event.is_http() {
            all.extend(routes(event, function));
            continue;
        }
        let source = match (&event.source, event.key.kinds) {
            (None, ["timer"]) => {
                timer += 1;
                Some(TimerNames::of(function, timer - 1))
            }
            (source, _) => source.clone(),
        };
        let kind = event.key.kinds.first().copied().unwrap_or_default();
        let parts = [Some(kind.to_owned()), source, event.kind_type.as_ref().map(|word| format!("type {word}"))];
        all.push(parts.into_iter().flatten().collect::<Vec<_>>().join(" "));
    }
    all
}

fn routes(event: &Event, function: &Function) -> Vec<String> {
    let path = match &event.path {
        Some(path) => path.value.clone(),
        // A request without a path goes to an address of the function's own.
        None => format!("* of {}", function.name),
    };
    if event.methods.is_empty() {
        return vec![format!("ANY {path}")];
    }
    event.methods.iter().map(|method| format!("{method} {path}")).collect()
}
