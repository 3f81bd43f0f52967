//! Asks a lake with SQL: conversations and answered agent legs by day.
//!
//!     cargo run --example query_lake -- ./lake

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Int64Type};
use kore_lake::lake::{Lake, SessionDate, StoreSettings};
use kore_lake::query::{Session, SessionSettings};

/// `agent_segments` is one of the flat views over `conversations`: a row for each leg of an agent.
const SQL: &str = "
    SELECT session_date, conversations, coalesce(answered_legs, 0) AS answered_legs
    FROM (SELECT session_date, count(*) AS conversations FROM conversations GROUP BY session_date)
    LEFT JOIN (
        SELECT session_date, count(*) AS answered_legs FROM agent_segments WHERE is_answered GROUP BY session_date
    ) USING (session_date)
    ORDER BY session_date";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: query_lake FOLDER")?;
    let lake = Lake::open_existing(&folder.parse()?, &StoreSettings::default()).await?;
    let session = Session::open((&lake).into(), SessionSettings::default()).await?;
    for statement in session.parse(SQL)? {
        // Rows come as Arrow batches, as they are computed.
        let mut rows = session.run(&statement).await?;
        while let Some(batch) = rows.next().await? {
            let dates = batch.column(0).as_primitive::<Date32Type>().values();
            let conversations = batch.column(1).as_primitive::<Int64Type>().values();
            let legs = batch.column(2).as_primitive::<Int64Type>().values();
            for ((date, conversations), legs) in dates.iter().zip(conversations).zip(legs) {
                println!("{},{conversations},{legs}", SessionDate::from_days(*date));
            }
        }
    }
    Ok(())
}
