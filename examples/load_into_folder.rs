//! Loads two days from the bundled simulator into a lake in a folder, and says what came of it.
//!
//!     cargo run --example load_into_folder -- ./lake
//!
//! For a real contact centre, take its host, account, stream and key in place of the simulator's.

#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::error::Error;
use std::sync::Arc;

use kore_lake::clock::TimeRange;
use kore_lake::lake::Lake;
use kore_lake::pipeline::{LoadRequest, Stop, Unwatched, load};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::{Simulator, SimulatorSettings};
use kore_lake::source::{BaseUrl, Client, ClientSettings, Credentials, JwtAlgorithm, Key, RateLimiter, Secret};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: load_into_folder FOLDER")?;
    let simulator = Simulator::start(SimulatorSettings::default()).await?;
    let centre = simulator.simulator().settings();

    // The client mints its tokens from a key. The limiter keeps the requests a minute; 0 is no limit.
    let key = Key {
        client_id: centre.client_id.clone(),
        client_secret: Secret::new(centre.client_secret.clone()),
        algorithm: JwtAlgorithm::Hs256,
        subject: None,
        jti: false,
    };
    let host = BaseUrl::parse(&simulator.base_url(), false)?;
    let client = Client::new(ClientSettings::new(host, Credentials::Key(key)), RateLimiter::per_minute(0))?;

    let account = centre.data.account_id.parse()?;
    let stream = centre.data.stream_ids.first().ok_or("a simulator has a stream")?.parse()?;
    let request = LoadRequest {
        // Half-open: 2 and 3 March.
        range: Some(TimeRange::new("2026-03-02".parse()?, "2026-03-04".parse()?)?),
        ..LoadRequest::new(account, stream, ApiVersion::V2)
    };
    let lake = Lake::in_folder(folder.as_ref())?;
    let finished = load(&lake, Arc::new(client), &request, &Unwatched, Stop::never()).await;

    // The summary is there also where the run failed.
    let summary = &finished.summary;
    println!("{} windows, {} requests, {} records", summary.windows, summary.requests, summary.records);
    println!("{} rows new, {} unchanged", summary.rows.new, summary.rows.unchanged);
    match finished.error {
        Some(error) => Err(error.into()),
        None => Ok(simulator.stop().await?),
    }
}
