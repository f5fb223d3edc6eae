//! nginx as a reverse proxy of WebSockets, in front of an upstream that knows all about its clients.

use std::collections::BTreeSet;
use std::io;
use std::process::Command;

use nix::sys::signal::Signal;

use super::Site;
use super::upstream::Upstream;

pub(super) struct Service {
    upstream: Upstream,
}

impl Service {
    pub(super) fn new(site: &Site) -> io::Result<Self> {
        Ok(Self { upstream: Upstream::start(site.second())? })
    }
}

impl super::Service for Service {
    fn command(&self, site: &Site) -> io::Result<Command> {
        let folder = site.folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("    {name}_temp_path \"{folder}/{name}\";\n"))
            .collect();
        let user = if site.is_root { "user root;\n" } else { "" };
        let text = format!(
            r#"{user}daemon off;
worker_processes 1;
worker_shutdown_timeout 200ms;
pid "{folder}/nginx.pid";
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
{temporary}    server {{
        listen {}:{} so_keepalive=1s:1s:2;
        location / {{
            proxy_pass http://{};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
        }}
    }}
}}
"#,
            site.bind,
            site.port,
            site.second()
        );
        let config = site.write("nginx.conf", &text)?;
        let mut command = Command::new("nginx");
        command.arg("-e").arg("stderr").arg("-p").arg(site.folder.path()).arg("-c").arg(config);
        Ok(command)
    }

    /// Its workers have a while to finish.
    fn end(&self) -> &'static [(u64, Signal)] {
        &[(0, Signal::SIGQUIT)]
    }

    fn audit(&mut self, _: &Site, keys: &BTreeSet<String>) -> Result<(), String> {
        self.upstream.audit(keys)
    }

    fn nobody(&mut self, _: &Site) -> Result<(), String> {
        self.upstream.nobody()
    }

    fn announce(&mut self) {
        self.upstream.announce();
    }

    fn publish(&mut self, _: &Site, key: &str, text: &str) -> Result<Option<usize>, String> {
        Ok(Some(self.upstream.publish(key, text)))
    }
}
