//! `code-mode mcp`: the gateway, from its flags to its end.
//!
//! Standard output belongs to the protocol: nothing is written to it here.

use std::io;
use std::pin::pin;

use code_mode::{CancellationToken, Isolation, worker};
use code_mode_mcp::audit::AuditUnwritable;
use code_mode_mcp::config::{Configuration, Environment, Redactor, Secret};
use code_mode_mcp::gateway::{Gateway, GatewayOptions, HttpOptions, ServeError};
use code_mode_mcp::upstream::Upstream;
use tokio::net::TcpListener;

use crate::arguments::servers::{HttpAddress, HttpArguments, McpArguments};
use crate::diagnostics;
use crate::exit::Exit;
use crate::servers::{self, NoServers};
use crate::signals::Signals;
use crate::telemetry;

/// Why nothing was served.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    #[error(transparent)]
    Servers(#[from] NoServers),
    #[error(
        "the variable {variable} of --bearer-token-env is not set, or empty; set it to the token that \
         clients send"
    )]
    NoToken { variable: String },
    #[error(transparent)]
    Audit(#[from] AuditUnwritable),
    #[error("cannot serve at {}: {source}; take another address or port", address.0)]
    Address {
        address: HttpAddress,
        source: io::Error,
    },
    #[error(transparent)]
    Refused(ServeError),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Serves until the client is gone or a signal comes.
pub fn serve(arguments: McpArguments) -> Result<Exit, McpError> {
    let runtime = tokio::runtime::Runtime::new()?;
    let exit = runtime.block_on(start_and_serve(arguments));
    // Not waited for: a read of standard input ends only with its writer.
    runtime.shutdown_background();
    exit
}

async fn start_and_serve(arguments: McpArguments) -> Result<Exit, McpError> {
    let mut signals = Signals::listen()?;
    let environment = Environment::of_process().map_err(NoServers::from)?;
    let configuration = servers::load(&arguments.servers, &environment).await?;
    let front = Front::open(&arguments.http, &environment).await?;
    let upstream_options =
        servers::upstream_options(&arguments.servers, &environment, &configuration);
    let options = gateway_options(&arguments, &configuration)?;
    // A client's first script is not to wait for V8 either.
    match &options.isolation {
        Isolation::Process(workers) => workers.start(),
        _ => code_mode::standby::start(),
    }
    let upstream = Upstream::start(configuration.servers, upstream_options);
    let gateway = Gateway::new(upstream, options);

    let shutdown = CancellationToken::new();
    let mut serving = pin!(front.serve(&gateway, shutdown.clone()));
    let served = tokio::select! {
        biased;
        signal = signals.next() => {
            shutdown.cancel();
            diagnostics::say(&format!(
                "{signal}; closing the connections (once more to exit at once)"
            ))
            .await;
            tokio::select! {
                biased;
                again = signals.next() => return Ok(Exit::SignalledAgain(again)),
                served = &mut serving => served,
            }
        }
        served = &mut serving => served,
    };
    match served {
        Ok(()) => Ok(Exit::Success),
        Err(refused @ ServeError::NoToken { .. }) => Err(McpError::Refused(refused)),
        Err(error) => {
            diagnostics::say(&error.to_string()).await;
            Ok(Exit::Failure)
        }
    }
}

fn gateway_options(
    arguments: &McpArguments,
    configuration: &Configuration,
) -> Result<GatewayOptions, McpError> {
    let mut options = GatewayOptions::default();
    options.structured = arguments.structured.into();
    options.exposed = configuration.exposed.clone();
    options
        .exposed
        .extend(arguments.expose_tools.iter().cloned());
    options.limits = arguments.limits.limits();
    options.isolation = arguments.isolation.isolation(worker::Options::default());
    options.audit = arguments.audit.open()?;
    if let Some(tokens) = arguments.description_tokens {
        options.description_tokens = Some(tokens as usize);
    }
    if let Some(longest) = arguments.max_wait {
        options.longest_silent_wait = longest;
        options.longest_wait = options.longest_wait.max(longest);
    }
    Ok(options)
}

/// Where clients come in.
enum Front {
    StandardStreams,
    Http(TcpListener, HttpOptions),
}

impl Front {
    async fn open(arguments: &HttpArguments, environment: &Environment) -> Result<Self, McpError> {
        let Some(address) = arguments.http else {
            return Ok(Self::StandardStreams);
        };
        let mut options = HttpOptions::default();
        options.allowed_hosts = arguments.allow_host.clone();
        options.allowed_origins = arguments.allow_origin.clone();
        if let Some(variable) = &arguments.bearer_token_env {
            let token = environment
                .variable(variable)
                .filter(|token| !token.is_empty());
            let token = token.ok_or_else(|| McpError::NoToken {
                variable: variable.clone(),
            })?;
            let token = Secret::new(token);
            telemetry::hide(Redactor::of_secrets([&token]));
            options.bearer_token = Some(token);
        }
        let listener = TcpListener::bind(address.0)
            .await
            .map_err(|source| McpError::Address { address, source })?;
        Ok(Self::Http(listener, options))
    }

    async fn serve(self, gateway: &Gateway, shutdown: CancellationToken) -> Result<(), ServeError> {
        match self {
            Self::StandardStreams => gateway.serve_stdio(shutdown).await,
            Self::Http(listener, options) => {
                if let Ok(address) = listener.local_addr() {
                    diagnostics::say(&format!("serving at http://{address}/mcp")).await;
                }
                gateway.serve_http(listener, options, shutdown).await
            }
        }
    }
}
