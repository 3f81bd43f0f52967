mod crash;
mod documents;
mod law;
mod locks;
mod objects;
pub(super) mod support;
mod wins;
