//! Decodes one page of the API to an Arrow batch and prints some of its columns.
//!
//!     cargo run --example decode_page -- page.json
//!
//! The page is an answer as it came (an object with `data`) or a page that `load --save-pages` kept.

#![expect(clippy::print_stdout, reason = "an example shows what it read")]

use std::error::Error;
use std::path::Path;

use arrow::util::pretty::pretty_format_batches;
use kore_lake::decode::{Decoder, RecordWriter};
use kore_lake::schema::RunId;
use kore_lake::source::{BareDefaults, saved};

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: decode_page FILE")?;
    // What a bare answer does not say about itself: of which account it is, and in which zone its times are.
    let bare = BareDefaults { account_id: Some("an-account".parse()?), ..BareDefaults::default() };
    let page = saved::read(Path::new(&file), &bare)?;
    let decoded = Decoder::new().decode(&page, &RunId::generate())?;

    let rows = &decoded.rows;
    println!("{} rows of {} columns, {} rejects", rows.num_rows(), rows.num_columns(), decoded.rejects.len());
    let shown = ["session_id", "conversation_id", "channel", "session_start_time", "_flags"];
    let shown = shown.map(|name| rows.schema().index_of(name)).into_iter().collect::<Result<Vec<_>, _>>()?;
    println!("{}", pretty_format_batches(&[rows.project(&shown)?])?);

    // And back: the first row as the record that the API sent.
    if rows.num_rows() > 0 {
        let mut record = Vec::new();
        RecordWriter::new(rows)?.write(0, &mut record)?;
        println!("{}", String::from_utf8(record)?);
    }
    Ok(())
}
