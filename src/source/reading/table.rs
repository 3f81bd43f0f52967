//! What a load costs under each reading, for the docs.

use std::fmt::Write as _;

use super::model::{Dice, Order, Server, traffic};
use super::tests::{DAYS, first_load, later_load, ratio};

const HEAD: &str = "# Requests a load takes

Requests sent ÷ ⌈rows ÷ 100⌉, for eight weeks with a daily and a weekly rhythm and four windows side by side, against a
server that is quiet. Made by `just ratios`: the planner and the reading of windows as `load` uses them, against a model
of the server that answers with keys alone. *First*: nothing is known of the account. *Known*: the ledger knows the
rhythm and how the server pages, from another eight weeks. *Again*: the rows lie in the lake and are read again, as
quiet ones or, within the lookback, on one page a window. Where the server's pages hold fewer than 100 records, more
requests are needed by that much alone.

| reading | 5,000 a day: first | known | again | again, fresh | 200 a day: first | known | again | again, fresh |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

/// The plain reading, and each other one alone.
fn readings() -> Vec<(&'static str, Server)> {
    let plain = Server::plain();
    let records = Server { records: true, ..plain };
    vec![
        ("offset counts pages, from 0 to 10; totals; bot-only sessions, then conversations", plain),
        ("`numResults` is the length of the page", Server { totals: false, ..plain }),
        ("the first page is 1, and 0 answers like it", Server { first: 1, ..plain }),
        ("the first page is 1, and 0 is empty", Server { first: 2, ..plain }),
        ("the first page is 1, and 0 is refused", Server { first: 3, ..plain }),
        ("the last offset is 9, what is beyond is refused", Server { max: Some(9), ..plain }),
        ("the last offset is 9, what is beyond is empty", Server { max: Some(9), past_max: 1, ..plain }),
        ("the last offset is 9, what is beyond is the last page", Server { max: Some(9), past_max: 2, ..plain }),
        ("the last offset is 9, what is beyond is page 9", Server { max: Some(9), past_max: 3, ..plain }),
        ("no last offset", Server { max: None, ..plain }),
        ("past the end comes the last page", Server { repeats_last: true, ..plain }),
        ("50 records a page", Server { page: 50, ..plain }),
        ("37 records a page", Server { page: 37, ..plain }),
        ("ascending", Server { order: Order::Ascending, ..plain }),
        ("shuffled", Server { order: Order::Shuffled, ..plain }),
        ("shuffled anew at every request", Server { order: Order::Reshuffled, ..plain }),
        ("offset and limit for each group", Server { order: Order::TwoGroupsEach, ..plain }),
        ("the last second is not included", Server { inclusive: false, ..plain }),
        ("offset counts records, up to 10", records),
        ("… and `numResults` is the length of the page", Server { totals: false, ..records }),
        ("… and the first is 1, 0 answers like it", Server { first: 1, ..records }),
        ("… up to 9", Server { max: Some(9), ..records }),
        ("… without a last offset", Server { max: None, ..records }),
        ("… shuffled", Server { order: Order::Shuffled, ..records }),
        ("… shuffled anew at every request", Server { order: Order::Reshuffled, ..records }),
    ]
}

fn ratios(server: &Server, per_day: u64) -> [f64; 4] {
    let rows = traffic(DAYS, per_day, &mut Dice(7));
    let others = traffic(DAYS, per_day, &mut Dice(107));
    let first = first_load(server, &rows, DAYS, 1);
    [
        ratio(&first, &rows),
        ratio(&later_load(server, &first, &others, false, true), &others),
        ratio(&later_load(server, &first, &rows, true, true), &rows),
        ratio(&later_load(server, &first, &rows, true, false), &rows),
    ]
}

#[test]
#[ignore = "writes docs/request-ratios.md in some minutes: `just ratios`"]
fn request_ratios() {
    let mut table = HEAD.to_owned();
    for (name, server) in readings() {
        let _ = write!(table, "| {name} |");
        for ratio in [5_000, 200].iter().flat_map(|per_day| ratios(&server, *per_day)) {
            let _ = write!(table, " {ratio:.2} |");
        }
        table.push('\n');
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("request-ratios.md"), table).unwrap();
}
