//! The simulator on a port: HTTP/1.1, a thin layer over [`Simulator::answer`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::answer::Simulator;
use super::error::SimulatorError;
use super::generator::Generator;
use super::line::{Door, Line};
use super::settings::SimulatorSettings;

/// A simulator that listens. Dropped, it goes on until its runtime ends; [`Running::stop`] ends it.
#[derive(Debug)]
pub struct Running {
    simulator: Arc<Simulator>,
    address: SocketAddr,
    connections: Arc<AtomicU64>,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Simulator {
    /// Makes a simulator and serves it on the address of the settings.
    ///
    /// # Errors
    /// The settings cannot be met, or the address cannot be listened on; the latter may pass when
    /// whoever holds the port lets it go.
    pub async fn start(settings: SimulatorSettings) -> Result<Running, SimulatorError> {
        Self::new(settings)?.serve().await
    }

    /// Serves this simulator on the address of its settings.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn serve(self) -> Result<Running, SimulatorError> {
        let bind = self.settings().bind;
        let unbound = |source| SimulatorError::Bind { address: bind, source };
        let listener = TcpListener::bind(bind).await.map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let simulator = Arc::new(self);
        let (shutdown, stopped) = oneshot::channel();
        let router = Router::new().fallback(handle).with_state(Arc::clone(&simulator));
        let connections = Arc::<AtomicU64>::default();
        let door = Door::new(listener, Arc::clone(&connections));
        let service = router.into_make_service_with_connect_info::<Line>();
        let serve = axum::serve(door, service).with_graceful_shutdown(async move {
            // An end without a word is no wish to stop: the handle was dropped.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        });
        let task = tokio::spawn(serve.into_future());
        Ok(Running { simulator, address, connections, shutdown, task })
    }
}

async fn handle(
    State(simulator): State<Arc<Simulator>>,
    ConnectInfo(line): ConnectInfo<Line>,
    parts: Parts,
    body: Bytes,
) -> Response<Body> {
    if let Some(latency) = simulator.settings().latency {
        tokio::time::sleep(latency).await;
    }
    let (answer, order) = simulator.answer_on_the_way(Request::from_parts(parts, body));
    if let Some(order) = order {
        line.break_off(order);
    }
    answer.map(Body::from)
}

impl Running {
    /// Address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://address`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The simulator behind the port: settings, truth, requests served.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// The records behind the answers.
    pub fn generator(&self) -> &Generator {
        self.simulator.generator()
    }

    /// Requests for pages so far, refused ones too.
    pub fn requests(&self) -> u64 {
        self.simulator.requests()
    }

    /// Connections taken so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Waits until the server ends, which it does by itself only in an error.
    ///
    /// # Errors
    /// The server ended in an error of the network.
    pub async fn wait(&mut self) -> Result<(), SimulatorError> {
        ended((&mut self.task).await)
    }

    /// Takes no more requests, answers those under way, and frees the port.
    ///
    /// # Errors
    /// The server had ended in an error before.
    pub async fn stop(self) -> Result<(), SimulatorError> {
        // A receiver that is gone means that the server has ended already.
        let _ = self.shutdown.send(());
        ended(self.task.await)
    }
}

fn ended(result: Result<std::io::Result<()>, tokio::task::JoinError>) -> Result<(), SimulatorError> {
    result.map_err(std::io::Error::other).and_then(|served| served).map_err(SimulatorError::Serve)
}
