//! The bundled API server, for trying, testing and measuring: it answers as `api.md` says, from made-up
//! records that are the same for the same settings.
//!
//! **In:** [`SimulatorSettings`]: seed, days, records a day, account, streams, login, limits.
//! **Out:** answers of both versions of the API ([`Simulator::answer`] in memory, [`Simulator::start`]
//! over HTTP), and the truth behind them ([`Generator::truth`]) for tests to compare a lake with.
//! **Owns:** the records (an index of eight bytes a row; JSON is written when asked for), the check of
//! tokens, requests and rates, and one reading of what the documents leave open ([`Behaviour`]).
//! **Knows nothing of:** any other room. It shares no code with the client, or it would agree with the
//! client's mistakes.
//! **Fails:** on settings that cannot be met and on a port that is taken; to a client it fails as the
//! API does (F7).
//! **Rests on:** F1–F7 (requests), F8–F12 and F17 (one reading), F13–F16 (times), F18–F23 and `api.md`
//! §5 (records). What is decided: `limit` above a page is cut, not refused; a row starts in a whole second
//! and belongs to the window if `startDate` ≤ start ≤ `endDate`; filters of `channels` take codes, of
//! `bots` the stream's id or that of an automation bot.

mod answer;
mod ask;
mod auth;
mod behaviour;
mod cast;
mod changes;
mod clock;
mod course;
mod destinations;
mod dice;
mod ends;
mod error;
mod form;
mod generator;
mod json;
mod memory;
mod meta;
mod moment;
mod page;
mod paging;
mod phrases;
mod plot;
mod publish;
mod rate;
mod readings;
mod record;
mod refusal;
mod rhythm;
mod selected;
mod served;
mod server;
mod settings;
mod story;
mod switches;
#[cfg(test)]
mod tests;
mod timeline;
mod unfold;
mod view;

pub use answer::{Answer, ApiRequest, Simulator};
pub use behaviour::{Behaviour, Churn, Crowd};
pub use error::SimulatorError;
pub use generator::{Generator, GeneratorSettings};
pub use readings::{
    FilterCodes, FilteredTime, FirstPage, NumResults, OffsetUnit, Order, PastEnd, PastMaximum, RangeLimit,
};
pub use served::{Key, Version};
pub use server::Running;
pub use settings::SimulatorSettings;
pub use switches::Switch;
pub use timeline::Row;
pub use view::{Api, Field, View};
