//! The bundled simulator behind a loopback port, for as long as a test needs it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use kore_lake::simulator::{Running, Simulator, SimulatorSettings};
use tokio::runtime::Runtime;

use crate::program::Program;

/// A simulator that serves until it is dropped.
pub struct Service {
    running: Running,
    _runtime: Runtime,
}

impl Service {
    /// Few conversations on each of two days, 2026-03-02 and 2026-03-03.
    pub fn small() -> Self {
        Self::start(|_| {})
    }

    /// [`small`](Self::small), with changes.
    pub fn start(change: impl FnOnce(&mut SimulatorSettings)) -> Self {
        let mut settings = SimulatorSettings::default();
        settings.data.days = 2;
        settings.data.conversations_per_day = 40;
        change(&mut settings);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let running = runtime.block_on(Simulator::start(settings)).expect("a free loopback port");
        Self { running, _runtime: runtime }
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The arguments of a `load` of both days.
    pub fn load_line(&self) -> String {
        self.load_line_of("--from 2026-03-02 --to 2026-03-04")
    }

    /// The arguments of a `load` of a range. One window at a time: how many requests prove a window depends on what
    /// the others have seen by then.
    pub fn load_line_of(&self, range: &str) -> String {
        let data = &self.running.simulator().settings().data;
        let (url, account, stream) = (self.running.base_url(), &data.account_id, &data.stream_ids[0]);
        format!("load --host {url} --account-id {account} --stream-id {stream} --rate 0 --concurrency 1 {range}")
    }

    /// The program, with a login that the simulator takes.
    pub fn program(&self, folder: &Path, line: &str) -> Program {
        let settings = self.running.simulator().settings();
        Program::new(folder, line)
            .env("KORE_LAKE_CLIENT_ID", &settings.client_id)
            .env("KORE_LAKE_CLIENT_SECRET", &settings.client_secret)
    }

    /// Waits until so many requests have come.
    pub fn wait_for_requests(&self, count: u64) {
        wait_until(&format!("{count} requests have come"), || self.running.requests() >= count);
    }
}

/// Waits until something is so, for a minute at most.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(5);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for five minutes until {what}");
        thread::sleep(Duration::from_millis(2)); // between two looks at the condition
    }
}
