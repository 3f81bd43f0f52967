//! Pages of records, from the API or from saved files.

mod page;

pub use page::{Page, PageRequest, RequestBody};
