//! The bundled API server, for trying, testing and measuring: it answers as `api.md` says, from made-up
//! records that are the same for the same settings.
//!
//! **In:** [`SimulatorSettings`]: seed, days, records a day, account, streams, login, limits, a clock,
//! a [`Behaviour`], which has one switch for each thing that the documents leave open, and [`Faults`], which go
//! wrong on the way.
//! **Out:** answers of both versions of the API ([`Simulator::answer`] in memory, [`Simulator::start`]
//! over HTTP), and for tests to compare a lake with: the truth ([`Generator::truth`] of records that
//! stand still, [`Simulator::truth`] of the present), what no client can read ([`Simulator::unreadable`])
//! and what was served ([`Simulator::last_served`], [`Simulator::there_since`]).
//! **Owns:** the records (an index of eight bytes a row; JSON is written when asked for), the course of
//! each under the clock, and the check of tokens, requests and rates.
//! **Knows nothing of:** any other room. It shares no code with the client, or it would agree with the
//! client's mistakes.
//! **Fails:** on settings that cannot be met and on a port that is taken; to a client it fails as the
//! API does (F7).
//! **Rests on:** F1–F7 (requests), F8–F12 and F17 (switches), F13–F16 (times), F18–F23 and `api.md` §5
//! (records). What is decided: `limit` above a page is cut, not refused; rows are ordered by start
//! whatever is filtered; an absent `offset` asks for the first page; the last page begins at a multiple
//! of the limit, also where offset counts records; filters of `bots` take the stream's id or that of an
//! automation bot. Without a clock every row is there and stands still, some open for ever; with one each
//! begins, may be handed over to people late (F20), ends, and may get a survey or another disposition up
//! to two days after (F19); but for e-mail, which may take a fortnight, all is settled three days after
//! the start.

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
mod faults;
mod form;
mod generator;
mod inject;
mod json;
mod line;
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
mod spoil;
mod story;
mod switches;
mod talk;
#[cfg(test)]
mod tests;
mod timeline;
mod unfold;
mod view;

pub use answer::{Answer, ApiRequest, Simulator};
pub use behaviour::{Behaviour, Churn, Crowd};
pub use error::SimulatorError;
pub use faults::{Fault, Faults};
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
