//! Which proxy apt is to use, handed on as environment: so it leaves no trace in a tree.

use std::{env, process::Command};

const VARIABLES: [&str; 8] = [
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "all_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// The config's proxy, else the one in the environment, else the host's apt's; `DIRECT` is none.
pub(crate) fn set_proxy(command: &mut Command, configured: Option<&str>, host: Option<&str>) {
    let inherited = VARIABLES.iter().filter_map(|name| Some((name, env::var_os(name)?)));
    match configured {
        None if env::var_os("http_proxy").is_none() => {
            command.envs(inherited);
            set_http_proxy(command, host);
        }
        None => drop(command.envs(inherited)),
        Some(_) => set_http_proxy(command, configured),
    }
}

fn set_http_proxy(command: &mut Command, proxy: Option<&str>) {
    if let Some(proxy) = proxy.filter(|proxy| *proxy != "DIRECT") {
        command.env("http_proxy", proxy).env("https_proxy", proxy);
    }
}
