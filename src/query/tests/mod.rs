mod formats;
mod functions;
mod lake;
mod older;
mod pins;
mod reports;
mod statements;
mod words;
