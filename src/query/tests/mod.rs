mod formats;
mod functions;
mod lake;
mod pins;
mod reports;
mod statements;
mod words;
