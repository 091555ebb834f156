//! VolcEngine veFaaS: the bodies of its API's calls `CreateFunction` and `UpdateFunction`, since no text form of a
//! deployment is published.

use super::File;
use super::deployment::{Deployment, within};
use super::document::{Document, Mapping};
use super::script::{JQ, Script, Tool, quoted, variable};
use super::site::Site;

const VE: Tool = Tool { program: "ve", from: "https://github.com/volcengine/volcengine-cli/releases" };

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut files = Vec::new();
    for deployment in deployments {
        let folder = &deployment.unit.name;
        let text = Document::from(function(site, deployment)).to_json();
        files.push(File { path: format!("{folder}/function.json"), text });
        for trigger in deployment.triggers.iter().filter(|trigger| !matches!(trigger.kind, "http" | "raw" | "timer")) {
            trigger.is_lacking(site, "set the trigger up in the console");
        }
        if deployment.has_requests() {
            // No call of the published API makes such a trigger.
            let span = deployment.requests().next().map_or(deployment.span(), |trigger| trigger.event.span);
            let message =
                "requests reach a function on veFaaS by a trigger of the API gateway, which is made in the console";
            site.lacks(span, message, "its path is every path, and the process tells them apart");
        }
        let path = quoted(folder);
        let package = quoted(&format!("{}/{folder}.zip", site.options.packages));
        let mut fill = ".Source = ($code | rtrimstr(\"\\n\"))".to_owned();
        let mut given = String::new();
        for (name, secret) in &deployment.secrets {
            let secret = variable(secret);
            given += &format!(" --arg {secret} \"${{{secret}:?a secret}}\"");
            fill += &format!(" | .Envs += [{{Key: \"{name}\", Value: ${secret}}}]");
        }
        script.run(JQ, format!("umask 077; base64 {package} | tr -d '\\n' > {path}/.code"));
        script.run(
            JQ,
            format!(
                "jq --rawfile code {path}/.code{given} {} {path}/function.json > {path}/.request.json",
                quoted(&fill)
            ),
        );
        script.run(VE, format!("ve vefaas CreateFunction --body \"$(cat {path}/.request.json)\""));
        script.run(JQ, format!("rm -f {path}/.code {path}/.request.json"));
    }
    files
}

fn function(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut out = Mapping::new();
    out.put("Name", deployment.name.as_str());
    out.put_some("Description", deployment.description.clone());
    out.put("Runtime", "native/v1");
    out.put("Command", "./run.sh");
    out.put("SourceType", "zip");
    out.put_some("MemoryMB", within(site, "memory", deployment.memory, 128..=65_536, "MB"));
    out.put_some("RequestTimeout", within(site, "a timeout", deployment.timeout, 1..=900, "seconds"));
    out.put_some("MaxConcurrency", within(site, "concurrency", deployment.concurrency, 1..=1_000, "requests"));
    out.put_some("InitializerSec", within(site, "`initTimeout`", deployment.init_timeout, 1..=300, "seconds"));
    out.put_some("Role", site.provider_text("role"));
    let mut envs: Vec<Mapping> = Vec::new();
    for (name, value) in &deployment.variables {
        envs.push(Mapping::new().with("Key", name.as_str()).with("Value", value.as_str()));
    }
    if deployment.only().is_some() && deployment.triggers.iter().any(|trigger| !trigger.is_http()) {
        envs.push(Mapping::new().with("Key", "FAAS_HANDLER").with("Value", deployment.handler.as_str()));
    }
    out.put("Envs", envs);
    if let Some(vpc) = site.provider("vpcConfig") {
        let mut network = Mapping::new().with("EnableVpc", true);
        network.put_some("VpcId", site.text(vpc, "vpcId"));
        let mut subnets = site.texts(vpc, "vSwitchIds");
        subnets.extend(site.text(vpc, "subnetId"));
        network.put("SubnetIds", subnets);
        network.put("SecurityGroupIds", site.texts(vpc, "securityGroupId"));
        out.put("VpcConfig", network);
    }
    if let Some(logs) = site.provider("logConfig") {
        let mut place = Mapping::new().with("EnableLog", true);
        place.put_some("TlsProjectId", site.text(logs, "project"));
        place.put_some("TlsTopicId", site.text(logs, "logstore"));
        out.put("TlsConfig", place);
    }
    out
}
