mod crash;
mod documents;
mod law;
mod locks;
mod migrate;
mod objects;
mod older;
pub(super) mod support;
mod wins;
