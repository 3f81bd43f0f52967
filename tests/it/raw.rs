//! Servers that say what no well-behaved one says: a loopback port, and what is done with each connection to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Listens until the tests end.
pub struct Raw {
    address: SocketAddr,
}

impl Raw {
    /// Serves each connection on a thread of its own.
    pub fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let each = Arc::new(each);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let each = Arc::clone(&each);
                thread::spawn(move || each(stream));
            }
        });
        Self { address }
    }

    /// Answers each request by what `answer` writes; what it cannot write any more the client did not want.
    pub fn answering(answer: impl Fn(&Asked, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        Self::serve(move |mut stream| {
            while let Some(asked) = Asked::read(&stream) {
                if answer(&asked, &mut stream).is_err() {
                    return;
                }
            }
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The arguments of a `load` of a day.
    pub fn load_line(&self) -> String {
        load_line(&self.url())
    }
}

/// The arguments of a `load` of a day from any server.
pub fn load_line(url: &str) -> String {
    format!("load --host {url} --account-id a --stream-id s --rate 0 --concurrency 1 --from 2026-03-02 --to 2026-03-03")
}

/// A request: its first line, its headers, its body.
pub struct Asked {
    pub head: String,
    pub body: String,
}

impl Asked {
    /// The next request of a connection, if another one comes.
    pub fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while reader.read_line(&mut head).ok()? > 2 {}
        let length = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<u64>().ok())?
        };
        let length = head.lines().find_map(length).unwrap_or_default();
        let mut body = String::new();
        reader.take(length).read_to_string(&mut body).ok()?;
        head.contains(' ').then_some(Self { head, body })
    }

    /// What `name` is in the body that asks for a window.
    pub fn window(&self, name: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body[name].as_str().unwrap_or_default().to_owned()
    }

    pub fn offset(&self) -> u32 {
        let (_, behind) = self.head.split_once("offset=").expect("every request names its offset");
        behind.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }
}

/// Writes a whole answer of JSON.
pub fn json(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
